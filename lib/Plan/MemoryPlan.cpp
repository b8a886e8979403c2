//===- MemoryPlan.cpp - places buffers in one arena
//---------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MemoryPlan.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace fairway;

ArenaLayout fairway::layOutArena(llvm::ArrayRef<Lifetime> lifetimes,
                                 int64_t alignment) {
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  auto order = llvm::to_vector(llvm::seq<size_t>(0, lifetimes.size()));
  llvm::sort(order, [&](size_t a, size_t b) {
    return lifetimes[a].bytes != lifetimes[b].bytes
               ? lifetimes[a].bytes > lifetimes[b].bytes
               : a < b;
  });
  llvm::SmallVector<size_t> placed; // sorted by offset
  for (size_t i : order) {
    const Lifetime &life = lifetimes[i];
    int64_t offset = 0;
    for (size_t j : placed) {
      const Lifetime &other = lifetimes[j];
      if (other.last < life.first || life.last < other.first)
        continue;
      if (offset + life.bytes <= layout.offsets[j])
        break; // It fits into the gap before j.
      offset = std::max<int64_t>(
          offset, llvm::alignTo(layout.offsets[j] + other.bytes, alignment));
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, offset + life.bytes);
    auto at = llvm::upper_bound(placed, offset, [&](int64_t value, size_t j) {
      return value < layout.offsets[j];
    });
    placed.insert(at, i);
  }
  layout.bytes = llvm::alignTo(layout.bytes, alignment);
  return layout;
}
