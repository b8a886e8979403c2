//===- ThreadPoolTest.cpp - parallel regions ------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ThreadPool.h"
#include "Testing.h"

#include <atomic>
#include <cfenv>
#include <chrono>
#include <functional>
#include <sys/resource.h>
#include <thread>

using namespace fairway::runtime;

namespace {

void parallel(unsigned threads, std::function<void(Member &)> body) {
  ThreadPool::run(
      threads,
      [](void *argument, Member &member) {
        (*static_cast<std::function<void(Member &)> *>(argument))(member);
      },
      &body);
}

/// CPU time of the whole process in seconds.
double cpuTime() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) { return t.tv_sec + 1e-6 * t.tv_usec; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

} // namespace

TEST(ThreadPool, EveryWorkerRunsOnce) {
  for (unsigned threads : {1u, 2u, 5u, 8u, 9u, 16u}) {
    std::vector<std::atomic<int>> calls(threads);
    parallel(threads, [&](Member &member) {
      EXPECT_EQ(member.workers(), threads);
      ++calls[member.worker()];
    });
    for (auto &count : calls)
      EXPECT_EQ(count, 1);
  }
}

TEST(ThreadPool, WorkerZeroIsTheCaller) {
  auto caller = std::this_thread::get_id();
  parallel(3, [&](Member &member) {
    EXPECT_EQ(std::this_thread::get_id() == caller, member.worker() == 0);
  });
}

TEST(ThreadPool, BarrierSeparatesPhases) {
  for (unsigned threads : {2u, 3u, 8u, 12u}) { // both kinds of barrier
    constexpr int phases = 200;
    std::vector<int> values(threads); // plain memory: only barriers order it
    std::atomic<int> wrong{0};
    parallel(threads, [&](Member &member) {
      for (int phase = 1; phase <= phases; ++phase) {
        values[member.worker()] = phase;
        member.barrier();
        for (int value : values)
          wrong += value != phase;
        member.barrier();
      }
    });
    EXPECT_EQ(wrong, 0) << threads << " threads";
  }
}

TEST(ThreadPool, BarrierWakesSleepers) {
  parallel(4, [&](Member &member) {
    for (unsigned late = 0; late < member.workers(); ++late) {
      if (member.worker() == late) // longer than the others spin
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      member.barrier();
    }
  });
}

TEST(ThreadPool, HelpersAreReused) {
  parallel(4, [](Member &) {});
  unsigned before = ThreadPool::helpers();
  for (int i = 0; i < 500; ++i)
    parallel(4, [](Member &) {});
  EXPECT_EQ(ThreadPool::helpers(), before);
}

TEST(ThreadPool, ManyCallersShareTheHelpers) {
  std::atomic<int> bodies{0}, regions{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        parallel(3, [&](Member &member) {
          member.barrier();
          ++bodies;
          if (member.worker() == 0)
            ++regions;
          member.barrier();
        });
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(regions, 8 * 50);
  EXPECT_GE(bodies, 8 * 50);
  EXPECT_LE(bodies, 8 * 50 * 3);
  EXPECT_EQ(WaitWord::busyThreads, 0);
}

TEST(ThreadPool, IdleHelpersCostNothing) {
  parallel(8, [](Member &) {});
  std::this_thread::sleep_for(
      std::chrono::milliseconds(50)); // until they sleep
  double before = cpuTime();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpuTime() - before, 0.02);
}

TEST(ThreadPool, HelpersRoundLikeTheCaller) {
  volatile float one = 1, three = 3;
  auto expectSame = [&](float quotient) {
    std::atomic<int> wrong{0};
    parallel(3, [&](Member &) { wrong += one / three != quotient; });
    EXPECT_EQ(wrong, 0);
  };
  float nearest = one / three;
  ASSERT_EQ(fesetround(FE_DOWNWARD), 0);
  float down = one / three;
  expectSame(down);
  ASSERT_EQ(fesetround(FE_TONEAREST), 0);
  expectSame(nearest);
  EXPECT_LT(down, nearest);
}

TEST(ThreadPool, HelpersStayOnTheCallersCpus) {
  parallel(3, [](Member &) {}); // on all CPUs
  std::thread([] {
    cpu_set_t cpus, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    int first = 0;
    while (!CPU_ISSET(first, &cpus))
      ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    std::atomic<int> elsewhere{0};
    parallel(3, [&](Member &) { elsewhere += sched_getcpu() != first; });
    EXPECT_EQ(elsewhere, 0);
  }).join();
}
