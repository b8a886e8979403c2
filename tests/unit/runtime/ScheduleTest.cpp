//===- ScheduleTest.cpp - where barriers are needed -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Schedule.h"
#include "Testing.h"

using namespace fairway::runtime;

namespace {

void noKernel(void *const *, void *, int64_t, int64_t) {}

fairway_step step(uint64_t tiles, uint32_t flags = 0) {
  return {"step", noKernel, nullptr, 0, flags, tiles,
          0,      0,        nullptr, 0, 0,     nullptr};
}

/// The schedule's steps with a barrier, as '|' before the step. In `plan`, 'p'
/// is a parallel step and 's' one of worker 0; '|' asks for a barrier.
std::string barriers(const std::string &plan) {
  std::vector<fairway_step> steps;
  uint32_t flags = 0;
  for (char c : plan)
    if (c == '|') {
      flags = FAIRWAY_STEP_BARRIER;
    } else {
      steps.push_back(step(c == 's' ? 1 : 8, flags));
      flags = 0;
    }
  Schedule schedule(fairway_plan{steps.data(), steps.size(), 0, 0, nullptr, 0});
  std::string result;
  for (const Schedule::Step &step : schedule.steps) {
    result += step.barrier ? "|" : "";
    result += step.serial ? "s" : "p";
  }
  return result;
}

} // namespace

TEST(Schedule, KeepsBarriersBetweenParallelSteps) {
  EXPECT_EQ(barriers("p|p|pp"), "p|p|pp");
}

TEST(Schedule, FirstStepNeedsNone) { EXPECT_EQ(barriers("|p|p"), "p|p"); }

TEST(Schedule, SerialStepsNeedNoneAmongThemselves) {
  EXPECT_EQ(barriers("s|s|s"), "sss");
  EXPECT_EQ(barriers("p|s|s|p"), "p|ss|p");
}

TEST(Schedule, BarrierThatWaitedIsNotLost) {
  // The last step relies on the barrier before the second.
  EXPECT_EQ(barriers("s|sp"), "ss|p");
  EXPECT_EQ(barriers("s|ssp|p"), "sss|p|p");
}

TEST(Schedule, KnowsHowManyWorkersAreOfUse) {
  fairway_step steps[] = {step(1), step(6)};
  EXPECT_EQ(Schedule(fairway_plan{steps, 2, 0, 0, nullptr, 0}).maxTiles, 6u);
  EXPECT_EQ(Schedule(fairway_plan{steps, 1, 0, 0, nullptr, 0}).maxTiles, 1u);
  EXPECT_EQ(Schedule(fairway_plan{nullptr, 0, 0, 0, nullptr, 0}).maxTiles, 1u);
}
