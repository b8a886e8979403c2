//===- WaitWord.h - a counter that threads wait for -------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_WAITWORD_H
#define FAIRWAY_LIB_RUNTIME_WAITWORD_H

#include <atomic>
#include <cstdint>

namespace fairway::runtime {

/// A counter that one thread advances and others wait for: they spin (the other
/// is about to finish its share), then yield (something else wants the CPU),
/// then sleep (cost nothing). It has a cache line of its own.
class alignas(64) WaitWord {
public:
  /// Sets the value. Only while nobody waits.
  void reset(uint32_t v) { value.store(v, std::memory_order_relaxed); }

  /// Advances to `v` and wakes whoever sleeps. What the caller wrote before is
  /// visible to whoever waited for `v`. Reads the object after `v` is visible.
  void publish(uint32_t v) {
    // Ordered before the load: either we see the sleeper or it sees the value.
    value.store(v, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst))
      wakeAll();
  }

  /// Returns once the value is `v` or later.
  void waitFor(uint32_t v) {
    // A barrier between hot threads ends within a few of these.
    for (int i = 0; i < 32; ++i) {
      if (reached(v))
        return;
      pause();
    }
    waitSlowly(v);
  }

  /// Number of busy threads in all parallel regions of the process. While it
  /// exceeds the CPUs, spinning only keeps others from finishing.
  static std::atomic<int> busyThreads;
  /// Number of CPUs to compare it with; 0 until known.
  static std::atomic<int> cpus;

private:
  bool reached(uint32_t v) const {
    return int32_t(value.load(std::memory_order_acquire) - v) >= 0;
  }
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
  }
  void waitSlowly(uint32_t v);
  void wakeAll();

  std::atomic<uint32_t> value{0};
  std::atomic<uint32_t> sleepers{0};
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_WAITWORD_H
