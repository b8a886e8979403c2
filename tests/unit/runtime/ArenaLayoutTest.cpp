//===- ArenaLayoutTest.cpp - buffers share one arena
//------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/ArenaLayout.h"

#include <gtest/gtest.h>
#include <random>

using namespace fairway;

namespace {

constexpr int64_t alignment = 64;

bool aliveTogether(const Lifetime &a, const Lifetime &b) {
  return a.first <= b.last && b.first <= a.last;
}

/// No layout can do with less: the most that is alive at one time.
int64_t mostAlive(const std::vector<Lifetime> &lifetimes) {
  int64_t most = 0;
  for (const Lifetime &at : lifetimes) {
    int64_t bytes = 0;
    for (const Lifetime &life : lifetimes)
      if (life.first <= at.first && at.first <= life.last)
        bytes += life.bytes;
    most = std::max(most, bytes);
  }
  return most;
}

} // namespace

TEST(ArenaLayout, NothingNeedsNothing) {
  EXPECT_EQ(layOutArena({}, alignment).bytes, 0);
  ArenaLayout empty = layOutArena({{0, 0, 3}, {0, 1, 2}}, alignment);
  EXPECT_EQ(empty.bytes, 0);
  EXPECT_EQ(empty.offsets, (std::vector<int64_t>{0, 0}));
}

TEST(ArenaLayout, ReusesMemoryOfWhatIsDone) {
  ArenaLayout layout = layOutArena({{100, 0, 1}, {300, 1, 2}, {90, 2, 3}}, 64);
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{320, 0, 320}));
  EXPECT_EQ(layout.bytes, 448);
}

TEST(ArenaLayout, NeverOverlapsWhatIsAliveTogether) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lifetimes(random() % 40);
    for (Lifetime &life : lifetimes) {
      life.first = random() % 20;
      life.last = life.first + random() % 6;
      life.bytes = random() % 1000;
    }
    ArenaLayout layout = layOutArena(lifetimes, alignment);
    EXPECT_GE(layout.bytes, mostAlive(lifetimes));
    EXPECT_EQ(layout.bytes % alignment, 0);
    for (size_t i = 0; i < lifetimes.size(); ++i) {
      int64_t begin = layout.offsets[i], end = begin + lifetimes[i].bytes;
      EXPECT_EQ(begin % alignment, 0);
      EXPECT_GE(begin, 0);
      EXPECT_LE(end, layout.bytes);
      for (size_t j = 0; j < i; ++j)
        if (aliveTogether(lifetimes[i], lifetimes[j]) && lifetimes[i].bytes &&
            lifetimes[j].bytes) {
          EXPECT_TRUE(end <= layout.offsets[j] ||
                      layout.offsets[j] + lifetimes[j].bytes <= begin)
              << i << " and " << j << " overlap";
        }
    }
  }
}
