//===- MemoryPlan.h - places buffers in one arena
//-----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_PLAN_MEMORYPLAN_H
#define FAIRWAY_LIB_PLAN_MEMORYPLAN_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace fairway {

/// A buffer that is alive from step `first` to step `last`, both included.
struct Lifetime {
  int64_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
};

/// Where each buffer starts, and how large the arena is.
struct ArenaLayout {
  llvm::SmallVector<int64_t> offsets;
  int64_t bytes = 0;
};

/// Gives every buffer an offset such that buffers alive at the same time do not
/// overlap: the largest first, each at the lowest place that is free for its
/// whole life ("greedy by size", Pisarchyk and Lee, Efficient Memory Management
/// for Deep Neural Net Inference, 2020).
ArenaLayout layOutArena(llvm::ArrayRef<Lifetime> lifetimes, int64_t alignment);

} // namespace fairway

#endif // FAIRWAY_LIB_PLAN_MEMORYPLAN_H
