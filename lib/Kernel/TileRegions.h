//===- TileRegions.h - what a kernel's tiles touch ------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILEREGIONS_H
#define FAIRWAY_LIB_KERNEL_TILEREGIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace fairway {

/// How one dimension of a result is divided.
struct TiledDimension {
  int64_t extent;
  int64_t tile; ///< `extent` if it is not divided
};

/// What the tiles of one kernel touch. Tiles are numbered as workers walk them:
/// the loops' iterations with the last loop fastest.
struct TileRegions {
  /// For each argument the bytes S such that tile t touches nothing but the
  /// range [t * S, (t + 1) * S) of it; 0 if there is no such S or it is not
  /// known.
  llvm::SmallVector<int64_t> slabs;
  /// The dimensions of the first result; empty if they are not known.
  llvm::SmallVector<TiledDimension> dimensions;
};

/// Analyses a bufferized kernel. `loop` is its only loop over tiles and has
/// constant bounds.
TileRegions findTileRegions(mlir::func::FuncOp kernel,
                            mlir::scf::ForallOp loop);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILEREGIONS_H
