//===- RowBlocks.h - which points share a register tile -------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_ROWBLOCKS_H
#define FAIRWAY_LIB_KERNEL_ROWBLOCKS_H

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdint>

namespace fairway {

/// With fewer points in a register tile the units wait for their own results.
inline constexpr int64_t kMinTilePoints = 4;

/// `size` in as few blocks of at most `most` as possible, as even as possible:
/// the first `larger` of them hold `few + 1`, the others `few`.
struct EvenBlocks {
  int64_t few, larger, blocks;
  EvenBlocks(int64_t size, int64_t most) {
    blocks = std::max<int64_t>(1, llvm::divideCeil(size, most));
    few = size / blocks;
    larger = size % blocks;
  }
  template <typename Fn> int64_t sum(Fn of) const {
    return (larger > 0 ? larger * of(few + 1) : 0) +
           (blocks - larger) * of(few);
  }
};

/// What a contraction's points cost, in points of a full register tile, if it
/// takes up to `tileLines` of `lines` lines of `rows` points at a time and at
/// most `limit` points.
inline int64_t costOfPoints(int64_t lines, int64_t rows, int64_t limit,
                            int64_t tileLines) {
  return EvenBlocks(lines, tileLines).sum([&](int64_t high) {
    return EvenBlocks(rows, std::max<int64_t>(1, limit / high))
        .sum([&](int64_t wide) {
          return std::max(high * wide, kMinTilePoints);
        });
  });
}

/// How many lines a register tile covers: more than one where it is cheaper
/// by more than a few percent (an image seven pixels wide).
inline int64_t chooseTileLines(int64_t lines, int64_t rows, int64_t limit) {
  int64_t best = 1, bestCost = costOfPoints(lines, rows, limit, 1);
  for (int64_t high = 2; high <= std::min(lines, limit); ++high)
    if (int64_t cost = costOfPoints(lines, rows, limit, high);
        100 * cost < 97 * bestCost) {
      best = high;
      bestCost = cost;
    }
  return best;
}

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_ROWBLOCKS_H
