//===- ForkJoinBench.cpp - what parallel regions and barriers cost --------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fairway-runtime-bench [threads...]: best and median of repeated measurements.
//
//===----------------------------------------------------------------------===//
#include "ThreadPool.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace fairway::runtime;

namespace {

constexpr int barriers = 1000;
constexpr int repetitions = 201;

double seconds(void (*body)(void *, Member &), unsigned threads, int calls) {
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i)
    ThreadPool::run(threads, body, nullptr);
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  return time.count();
}

void report(const char *what, unsigned threads, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  printf("%2u threads: %-9s best %.3f us, median %.3f us\n", threads, what,
         1e6 * times.front(), 1e6 * times[times.size() / 2]);
}

} // namespace

int main(int argc, char **argv) {
  std::vector<unsigned> counts;
  for (int i = 1; i < argc; ++i)
    counts.push_back(atoi(argv[i]));
  if (counts.empty())
    counts = {1, 2, 4};
  for (unsigned threads : counts) {
    std::vector<double> regions, meetings;
    for (int i = 0; i < repetitions; ++i) {
      regions.push_back(seconds([](void *, Member &) {}, threads, 100) / 100);
      meetings.push_back(seconds(
                             [](void *, Member &member) {
                               for (int b = 0; b < barriers; ++b)
                                 member.barrier();
                             },
                             threads, 1) /
                         barriers);
    }
    report("fork-join", threads, regions);
    report("barrier", threads, meetings);
  }
}
