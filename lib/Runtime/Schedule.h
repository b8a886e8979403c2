//===- Schedule.h - a plan made ready to be walked --------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_SCHEDULE_H
#define FAIRWAY_LIB_RUNTIME_SCHEDULE_H

#include "Memory.h"

#include <vector>

namespace fairway::runtime {

/// A plan in the form in which workers walk it: flat, with the barriers that
/// are left when steps of worker 0 alone need none among themselves.
struct Schedule {
  explicit Schedule(const fairway_plan &plan);

  struct Step {
    fairway_kernel_fn kernel;
    uint32_t firstBuffer; ///< in the pointer table
    bool barrier;         ///< all workers meet before this step
    bool serial;          ///< worker 0 alone runs it
  };
  /// An entry of the pointer table that a call fills in.
  struct Fixup {
    uint32_t slot;
    uint32_t index; ///< number of the input or output
    uint64_t offset;
  };

  const fairway_plan &plan;
  std::vector<Step> steps;
  std::vector<Fixup> inputs;
  std::vector<Fixup> outputs;
  size_t numPointers = 0;
  uint64_t maxTiles = 1; ///< more workers than this are of no use
};

/// The working memory of one call: arena, scratch and pointer table.
class Context {
public:
  /// Makes ready for a schedule, which must outlive its use here. Memory that
  /// is large enough is kept. Buffers refer to the addresses in `constants` and
  /// to `sizes`.
  void adopt(const Schedule &schedule,
             const std::vector<const void *> &constants, const int64_t *sizes);

  /// Runs the schedule on up to `threads` threads. Entries of `inputs` and
  /// `outputs` must be aligned. `seconds`, if not null, receives the time of
  /// each step.
  void run(const void *const *inputs, void *const *outputs, unsigned threads,
           double *seconds);

private:
  const Schedule *schedule = nullptr;
  ReusableMemory arena;
  ReusableMemory scratch;
  uint64_t scratchStride = 0;
  std::vector<void *> pointers;
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_SCHEDULE_H
