//===- ThreadPool.h - helpers for parallel regions --------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_THREADPOOL_H
#define FAIRWAY_LIB_RUNTIME_THREADPOOL_H

#include "WaitWord.h"

#include <mutex>
#include <vector>

namespace fairway::runtime {

/// The threads that work on one parallel region: `words[0]` is the caller's.
struct Team {
  std::vector<WaitWord *> words;
};

/// One worker of a region, passed to the region's body.
class Member {
public:
  Member(const Team &team, unsigned index) : team(team), index(index) {}

  /// Number of this worker, 0 being the caller, and number of workers.
  unsigned worker() const { return index; }
  unsigned workers() const { return unsigned(team.words.size()); }

  /// Returns when every worker of the region has called it as often. What they
  /// wrote before is visible after.
  void barrier();

  /// Ends this worker's part. Worker 0 returns when all have ended theirs, the
  /// others must not touch the team afterwards.
  void finish();

private:
  void arrive() { team.words[index]->publish(++epoch); }

  const Team &team;
  unsigned index;
  uint32_t epoch = 0;
};

/// Most threads a region can have.
constexpr unsigned maxThreads = 1024;

/// The process's helper threads, shared by all models.
class ThreadPool {
public:
  /// A region's body: called once by each worker; must not throw.
  using Body = void (*)(void *argument, Member &member);

  /// Runs `body` on the calling thread and up to `threads - 1` helpers that are
  /// idle now, and returns when all are done. Creates missing helpers as long
  /// as the pool stays within what this call, or the CPUs, ask for. Callable
  /// from many threads at once; not from inside a body.
  static void run(unsigned threads, Body body, void *argument);

  /// Number of helper threads that exist. For tests.
  static unsigned helpers();

  /// A lock for short critical sections anywhere in the runtime. It is held
  /// while the process forks, so what it guards is whole in the child.
  static std::mutex &mutex();
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_THREADPOOL_H
