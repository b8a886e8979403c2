//===- WaitWord.cpp - a counter that threads wait for ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WaitWord.h"

#include <chrono>
#include <climits>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace fairway::runtime;
using std::chrono::microseconds;
using std::chrono::steady_clock;

std::atomic<int> WaitWord::busyThreads{0};
std::atomic<int> WaitWord::cpus{0};

namespace {

// Shares of a kernel differ by microseconds, so waiting pays off early or not
// at all. On a CPU that others want too, yielding lets them finish; a sleep
// costs the waker a system call and the sleeper tens of microseconds.
constexpr microseconds spinTime{3};
constexpr microseconds yieldTime{200};

long futex(std::atomic<uint32_t> &word, int operation, uint32_t operand) {
  static_assert(sizeof(word) == sizeof(uint32_t));
  return syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word),
                 operation | FUTEX_PRIVATE_FLAG, operand, nullptr, nullptr, 0);
}

} // namespace

void WaitWord::waitSlowly(uint32_t v) {
  bool crowded = busyThreads.load(std::memory_order_relaxed) >
                 cpus.load(std::memory_order_relaxed);
  auto start = steady_clock::now();
  auto waited = steady_clock::duration::zero();
  while (waited < yieldTime) {
    if (crowded || waited >= spinTime) {
      sched_yield();
      if (reached(v))
        return;
    } else {
      for (int i = 0; i < 32; ++i) {
        if (reached(v))
          return;
        pause();
      }
    }
    waited = steady_clock::now() - start;
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    uint32_t seen = value.load(std::memory_order_seq_cst);
    if (int32_t(seen - v) >= 0)
      break;
    futex(value, FUTEX_WAIT, seen);
  }
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void WaitWord::wakeAll() { futex(value, FUTEX_WAKE, INT_MAX); }
