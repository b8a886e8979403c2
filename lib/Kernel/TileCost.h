//===- TileCost.h - what one op of a kernel costs in a tile ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILECOST_H
#define FAIRWAY_LIB_KERNEL_TILECOST_H

#include "TileMembers.h"

#include <vector>

namespace fairway {

/// How one operand is read or written.
struct TileAccess {
  /// A dimension's size, and by how much a step of each loop moves along it.
  struct Dim {
    int64_t size;
    llvm::SmallVector<std::pair<unsigned, int64_t>, 2> steps;
  };
  llvm::SmallVector<Dim, 4> dims;
  double elementBytes = 0;
  bool internal = false;
  /// Whether the tile holds it anyway: another op of the kernel makes it, or
  /// this op computes it where one of its operands was.
  bool shared = false; ///< stays within a tile
  /// How much of what a tile touches must be in the cache at once: contractions
  /// cut long reductions, and each piece runs over the whole tile.
  double kept = 1.0;
};

/// What an op costs, looked up once: tilings are tried by the thousand.
struct TileCost {
  TileCost(const Member &member, const MachineDescription &machine);

  /// The op's loops in a tile of the root.
  llvm::SmallVector<int64_t, 8> loopsIn(llvm::ArrayRef<int64_t> tile) const;

  /// Bytes of operand `index` that a tile with these loops touches.
  double bytes(unsigned index, llvm::ArrayRef<int64_t> loops) const;

  Member member;
  llvm::SmallVector<int64_t> sizes;
  double operations = 0;          ///< of a point
  std::vector<TileAccess> access; ///< by operand
};

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILECOST_H
