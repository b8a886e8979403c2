//===- TileContraction.h - a kernel's contraction in a tile ------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TILECONTRACTION_H
#define FAIRWAY_LIB_KERNEL_TILECONTRACTION_H

#include "TileMembers.h"

namespace fairway {

/// A kernel's contraction, by the root's loops.
struct TileContraction {
  unsigned member;         ///< its number
  unsigned weights, image; ///< its operands
  /// Its own loops that the weights do not follow (the last one is unrolled
  /// over registers), and loops of the root that only they follow.
  llvm::SmallVector<unsigned> rows, panels;
  /// Products that the root adds up.
  int64_t places = 1;
};

/// `member`, which has this number, as a contraction whose vectors are its
/// weights'; nothing if it is none.
std::optional<TileContraction> matchContraction(const Member &member,
                                                unsigned number);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TILECONTRACTION_H
