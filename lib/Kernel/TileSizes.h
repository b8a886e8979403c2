//===- TileSizes.h - how large a kernel's tiles are -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILESIZES_H
#define FAIRWAY_LIB_KERNEL_TILESIZES_H

#include "fairway/Support/MachineDescription.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fairway {

/// Tile sizes for the loops of `root` (0: the loop stays whole), such that
/// everything that `root` needs can be computed tile by tile without doing
/// expensive work twice, and `threads` workers are busy alike. Empty: not worth
/// tiling.
llvm::SmallVector<int64_t> chooseTileSizes(mlir::linalg::LinalgOp root,
                                           const MachineDescription &machine,
                                           unsigned threads);

/// Calls `visit` with every tiling that the choice is made from, in the same
/// form, and with the nanoseconds that it is thought to take.
void visitTileSizes(
    mlir::linalg::LinalgOp root, const MachineDescription &machine,
    unsigned threads,
    llvm::function_ref<void(double, llvm::ArrayRef<int64_t>)> visit);

/// Whether tiles of `size` may divide a loop of `root`: nothing that it needs
/// would be cut, or computed or written more than once.
bool canDivide(mlir::linalg::LinalgOp root, unsigned loop, int64_t size);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILESIZES_H
