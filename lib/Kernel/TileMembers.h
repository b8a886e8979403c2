//===- TileMembers.h - what a kernel's last op needs ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILEMEMBERS_H
#define FAIRWAY_LIB_KERNEL_TILEMEMBERS_H

#include "fairway/Support/MachineDescription.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/MapVector.h"

namespace fairway {

/// An op that a kernel's last op (the root) needs, and for each of its loops
/// the root's loop that it follows (or none).
struct Member {
  mlir::linalg::LinalgOp op;
  llvm::SmallVector<std::optional<unsigned>> rootLoop;
  /// How many steps of that loop are one of its own: pixels of a transformed
  /// block of an image.
  llvm::SmallVector<int64_t> rootSteps;

  bool follows(unsigned loop) const {
    return llvm::is_contained(rootLoop, loop);
  }

  /// The length of one of its loops in a tile of the root.
  int64_t lengthIn(llvm::ArrayRef<int64_t> tile, unsigned loop,
                   int64_t size) const {
    std::optional<unsigned> from = rootLoop[loop];
    return from ? std::min<int64_t>(
                      size, llvm::divideCeil(tile[*from], rootSteps[loop]))
                : size;
  }
};

using Members = llvm::MapVector<mlir::Operation *, Member>;

/// `root` and everything that it needs directly or through others, as far as
/// that is linalg.
Members findMembers(mlir::linalg::LinalgOp root);

/// Rows of a tile that are computed together.
struct RowBlock {
  unsigned loop; ///< of the root
  int64_t rows;
  /// Other loops that all contractions follow (heads): what they divide has
  /// nothing in common.
  llvm::SmallVector<unsigned> batches;
};

/// The loop along which blocks of rows divide the values between contractions,
/// if there are two of those.
std::optional<unsigned> findRowLoop(const Members &members,
                                    mlir::linalg::LinalgOp root);

/// How a tile with these loops of the root is cut into blocks of rows: where
/// one contraction reads what is made of another's result (attention), such
/// that the largest value between them stays in the nearest cache, or has at
/// least enough rows for a few register tiles. Where it reads what a table sum
/// makes (a transformed image), a block is a panel of its result. None if the
/// tile is a block.
std::optional<RowBlock> chooseRowBlock(const Members &members,
                                       mlir::linalg::LinalgOp root,
                                       llvm::ArrayRef<int64_t> tile,
                                       const MachineDescription &machine);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILEMEMBERS_H
