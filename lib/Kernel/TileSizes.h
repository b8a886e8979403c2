//===- TileSizes.h - how large a kernel's tiles are -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILESIZES_H
#define FAIRWAY_LIB_KERNEL_TILESIZES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fairway {

/// What the cost model knows of the machine.
struct MachineModel {
  double gflops = 60;              ///< of one core
  double gigabytesPerSec = 15;     ///< of one core, beyond its own cache
  int64_t cacheBytes = 512 * 1024; ///< of the core's own cache, for one tile
  double tileOverheadNs = 150;
  int64_t cores = 8; ///< that a kernel should be able to keep busy
};

/// Tile sizes for the loops of `root` (0: the loop stays whole), such that
/// everything that `root` needs can be computed tile by tile without doing
/// expensive work twice. Empty: not worth tiling.
llvm::SmallVector<int64_t> chooseTileSizes(mlir::linalg::LinalgOp root,
                                           const MachineModel &machine);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILESIZES_H
