//===- ArenaLayout.h - places buffers in one arena --------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler lays out plans of fixed sizes, the runtime those whose sizes a
// call decides, both in this way.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_ARENALAYOUT_H
#define FAIRWAY_SUPPORT_ARENALAYOUT_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace fairway {

/// A buffer that is alive from step `first` to step `last`, both included.
struct Lifetime {
  int64_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
};

/// Where each buffer starts, and how large the arena is.
struct ArenaLayout {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
};

/// Gives every buffer an offset such that buffers alive at the same time do not
/// overlap: the largest first, each at the lowest place that is free for its
/// whole life ("greedy by size", Pisarchyk and Lee, Efficient Memory Management
/// for Deep Neural Net Inference, 2020). Offsets and the arena's size are
/// multiples of `alignment`. The sizes, each rounded up to one, must have a sum
/// that an int64_t holds.
inline ArenaLayout layOutArena(const std::vector<Lifetime> &lifetimes,
                               int64_t alignment) {
  auto alignUp = [&](int64_t value) {
    return (value + alignment - 1) / alignment * alignment;
  };
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return lifetimes[a].bytes != lifetimes[b].bytes
               ? lifetimes[a].bytes > lifetimes[b].bytes
               : a < b;
  });
  std::vector<size_t> placed; // sorted by offset
  placed.reserve(lifetimes.size());
  for (size_t i : order) {
    const Lifetime &life = lifetimes[i];
    int64_t offset = 0;
    for (size_t j : placed) {
      const Lifetime &other = lifetimes[j];
      if (other.last < life.first || life.last < other.first)
        continue;
      if (offset + life.bytes <= layout.offsets[j])
        break; // It fits into the gap before j.
      offset = std::max(offset, alignUp(layout.offsets[j] + other.bytes));
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, offset + life.bytes);
    auto at = std::upper_bound(
        placed.begin(), placed.end(), offset,
        [&](int64_t value, size_t j) { return value < layout.offsets[j]; });
    placed.insert(at, i);
  }
  layout.bytes = alignUp(layout.bytes);
  return layout;
}

} // namespace fairway

#endif // FAIRWAY_SUPPORT_ARENALAYOUT_H
