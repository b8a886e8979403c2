//===- Schedule.cpp - a plan made ready to be walked ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Schedule.h"
#include "ThreadPool.h"

#include <algorithm>
#include <chrono>

using namespace fairway::runtime;

Schedule::Schedule(const fairway_plan &plan) : plan(plan) {
  steps.reserve(plan.num_steps);
  // A barrier is due once the plan asks for one and something ran since the
  // last; it may wait until a step that another worker's work could disturb.
  bool due = false, parallelRan = false, serialRan = false;
  for (uint64_t i = 0; i < plan.num_steps; ++i) {
    const fairway_step &step = plan.steps[i];
    bool serial = step.tiles <= 1;
    if (step.flags & FAIRWAY_STEP_BARRIER)
      due |= parallelRan || serialRan;
    bool barrier = due && (parallelRan || !serial);
    if (barrier)
      due = parallelRan = serialRan = false;
    (serial ? serialRan : parallelRan) = true;

    steps.push_back({step.kernel, uint32_t(numPointers), barrier, serial});
    maxTiles = std::max(maxTiles, step.tiles);
    for (uint32_t b = 0; b < step.num_buffers; ++b) {
      const fairway_buffer_ref &ref = step.buffers[b];
      Fixup fixup{uint32_t(numPointers + b), ref.index, ref.offset};
      if (ref.space == FAIRWAY_SPACE_INPUT)
        inputs.push_back(fixup);
      else if (ref.space == FAIRWAY_SPACE_OUTPUT)
        outputs.push_back(fixup);
    }
    numPointers += step.num_buffers;
  }
}

/// Kernels get one kind of address; which they write is in the plan.
static void *at(const void *base, uint64_t offset) {
  return static_cast<unsigned char *>(const_cast<void *>(base)) + offset;
}

void Context::adopt(const Schedule &newSchedule,
                    const std::vector<const void *> &constants,
                    const int64_t *sizes) {
  schedule = &newSchedule;
  const fairway_plan &plan = schedule->plan;
  arena.reserve(plan.arena_bytes, "the model's working memory");
  if (plan.scratch_bytes > INT64_MAX / (2 * maxThreads))
    fail(FAIRWAY_OUT_OF_MEMORY, "no memory for the workers' scratch memory (" +
                                    std::to_string(plan.scratch_bytes) +
                                    " bytes each)");
  // Whole pages, so that each worker's lie on its own memory node.
  scratchStride = alignUp(plan.scratch_bytes, 4096);
  pointers.clear();
  pointers.reserve(schedule->numPointers);
  for (uint64_t i = 0; i < plan.num_steps; ++i) {
    const fairway_step &step = plan.steps[i];
    for (uint32_t b = 0; b < step.num_buffers; ++b) {
      const fairway_buffer_ref &ref = step.buffers[b];
      void *pointer = nullptr; // of an input or output: each call's own
      if (ref.space == FAIRWAY_SPACE_ARENA)
        pointer = at(arena.get(), ref.offset);
      else if (ref.space == FAIRWAY_SPACE_CONSTANT)
        pointer = at(constants[ref.index], ref.offset);
      else if (ref.space == FAIRWAY_SPACE_SIZES)
        pointer = at(sizes, ref.offset);
      pointers.push_back(pointer);
    }
  }
}

namespace {

struct Walk {
  const Schedule &schedule;
  void *const *pointers;
  unsigned char *scratch;
  uint64_t scratchStride;
  double *seconds;

  void step(const Schedule::Step &step, const Member &member) const {
    if (!step.serial)
      step.kernel(pointers + step.firstBuffer,
                  scratch + member.worker() * scratchStride, member.worker(),
                  member.workers());
    else if (member.worker() == 0)
      step.kernel(pointers + step.firstBuffer, scratch, 0, 1);
  }
};

void walk(void *argument, Member &member) {
  auto &w = *static_cast<const Walk *>(argument);
  for (const Schedule::Step &step : w.schedule.steps) {
    if (step.barrier && member.workers() > 1)
      member.barrier();
    w.step(step, member);
  }
}

void walkAndMeasure(void *argument, Member &member) {
  using Clock = std::chrono::steady_clock;
  auto &w = *static_cast<const Walk *>(argument);
  member.barrier();
  Clock::time_point start = Clock::now();
  for (size_t i = 0; i < w.schedule.steps.size(); ++i) {
    w.step(w.schedule.steps[i], member);
    member.barrier();
    Clock::time_point end = Clock::now();
    if (member.worker() == 0)
      w.seconds[i] = std::chrono::duration<double>(end - start).count();
    start = end;
  }
}

} // namespace

void Context::run(const void *const *inputs, void *const *outputs,
                  unsigned threads, double *seconds) {
  threads =
      unsigned(std::min<uint64_t>({threads, schedule->maxTiles, maxThreads}));
  scratch.reserve(scratchStride * threads, "the workers' scratch memory");
  for (const Schedule::Fixup &fixup : schedule->inputs)
    pointers[fixup.slot] = at(inputs[fixup.index], fixup.offset);
  for (const Schedule::Fixup &fixup : schedule->outputs)
    pointers[fixup.slot] = at(outputs[fixup.index], fixup.offset);
  Walk work{*schedule, pointers.data(), scratch.get(), scratchStride, seconds};
  ThreadPool::run(threads, seconds ? walkAndMeasure : walk, &work);
}
