//===- AffinityTest.cpp - which CPUs a thread may use ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Affinity.h"
#include "Testing.h"

#include <sched.h>
#include <thread>

using namespace fairway::runtime;

TEST(Affinity, DefaultThreadsAreAtMostTheCpusOfTheMask) {
  cpu_set_t cpus = callerCpus();
  EXPECT_GE(fairway_default_threads(), 1u);
  EXPECT_LE(fairway_default_threads(), unsigned(CPU_COUNT(&cpus)));
}

TEST(Affinity, PinnedThreadGetsOneThread) {
  std::thread([] {
    cpu_set_t cpus = callerCpus();
    int first = 0;
    while (!CPU_ISSET(first, &cpus))
      ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(fairway_default_threads(), 1u);
    EXPECT_EQ(hardwareThreads(callerCpus()), 1u);
  }).join();
}
