//===- ThreadPool.cpp - helpers for parallel regions ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ThreadPool.h"
#include "Affinity.h"
#include "FloatMode.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <pthread.h>

using namespace fairway::runtime;

namespace {

/// What a helper is asked to do.
struct Job {
  ThreadPool::Body body;
  void *argument;
  const Team *team;
  cpu_set_t cpus;      // the caller's
  FloatMode floatMode; // rounding and denormals, the caller's
};

/// A helper thread. Never freed while the process lives.
struct Helper {
  WaitWord mail;    // counts jobs; the helper waits for the next one
  WaitWord arrived; // its counter in the barriers of the current job
  const Job *job = nullptr;
  unsigned index = 0; // in the job's team
  uint32_t jobs = 0;
  bool busy = false; // guarded by the pool's mutex
  cpu_set_t cpus;    // where it runs now
};

/// The pool's state. Leaked on purpose: helpers outlive static destructors.
struct State {
  std::mutex mutex;
  std::vector<std::unique_ptr<Helper>> helpers; // guarded by mutex
};

State *state = nullptr;
std::once_flag stateMade;

void beforeFork() { state->mutex.lock(); }
void inParent() { state->mutex.unlock(); }
void inChild() {
  // Only the forking thread lives on: forget the helpers (leaked, their stacks
  // are gone) and whatever regions other threads were in.
  for (auto &helper : state->helpers)
    helper.release();
  state->helpers.clear();
  WaitWord::busyThreads.store(0);
  state->mutex.unlock();
}

State &pool() {
  std::call_once(stateMade, [] {
    state = new State;
    pthread_atfork(beforeFork, inParent, inChild);
  });
  return *state;
}

void *helperMain(void *argument) {
  auto &self = *static_cast<Helper *>(argument);
  for (uint32_t next = 1;; ++next) {
    self.mail.waitFor(next);
    const Job &job = *self.job;
    if (!CPU_EQUAL(&job.cpus, &self.cpus)) {
      self.cpus = job.cpus;
      pthread_setaffinity_np(pthread_self(), sizeof self.cpus, &self.cpus);
    }
    job.floatMode.apply();
    Member member(*job.team, self.index);
    job.body(job.argument, member);
    // After this the job and the team are gone.
    member.finish();
  }
}

/// Starts a thread for `helper`; false if the system has no more.
bool start(Helper &helper, size_t number) {
  // Signals belong to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  bool started = pthread_create(&thread, &attributes, helperMain, &helper) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) {
    char name[16];
    snprintf(name, sizeof name, "fairway-%zu", number % 10000);
    pthread_setname_np(thread, name);
  }
  return started;
}

/// Takes up to `wanted` idle helpers, always the same ones first so that they
/// find their data in their caches.
std::vector<Helper *> acquire(size_t wanted, const cpu_set_t &cpus) {
  std::vector<Helper *> taken;
  taken.reserve(wanted);
  State &s = pool();
  std::lock_guard<std::mutex> lock(s.mutex);
  for (auto &helper : s.helpers)
    if (taken.size() < wanted && !helper->busy)
      taken.push_back(helper.get());
  // Calls that run side by side share the CPUs; only a call that asks for more
  // threads than there are CPUs gets more.
  size_t limit = std::max<size_t>(wanted, hardwareThreads(cpus) - 1);
  while (taken.size() < wanted && s.helpers.size() < limit) {
    auto helper = std::make_unique<Helper>();
    helper->cpus = cpus;
    s.helpers.reserve(s.helpers.size() + 1);
    if (!start(*helper, s.helpers.size() + 1))
      break;
    taken.push_back(helper.get());
    s.helpers.push_back(std::move(helper));
  }
  for (Helper *helper : taken)
    helper->busy = true;
  return taken;
}

void release(const std::vector<Helper *> &helpers) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  for (Helper *helper : helpers)
    helper->busy = false;
}

/// Counts a region's threads while it lives.
class BusyCount {
public:
  explicit BusyCount(int threads) : threads(threads) {
    WaitWord::busyThreads.fetch_add(threads, std::memory_order_relaxed);
  }
  ~BusyCount() {
    WaitWord::busyThreads.fetch_sub(threads, std::memory_order_relaxed);
  }

private:
  int threads;
};

} // namespace

void Member::barrier() {
  // Few workers look at each other: one cache-line transfer. Many report to
  // worker 0, whose counter then tells them all: two, but not n squared.
  constexpr unsigned fewWorkers = 8;
  unsigned size = workers();
  uint32_t next = epoch + 1;
  if (size <= fewWorkers) {
    arrive();
    for (unsigned i = 0; i < size; ++i)
      if (i != index)
        team.words[i]->waitFor(next);
  } else if (index == 0) {
    for (unsigned i = 1; i < size; ++i)
      team.words[i]->waitFor(next);
    arrive();
  } else {
    arrive();
    team.words[0]->waitFor(next);
  }
}

void Member::finish() {
  arrive();
  if (index == 0)
    for (unsigned i = 1; i < workers(); ++i)
      team.words[i]->waitFor(epoch);
}

void ThreadPool::run(unsigned threads, Body body, void *argument) {
  Team team;
  WaitWord own;
  std::vector<Helper *> helpers;
  Job job{body, argument, &team, {}, {}};
  if (threads > 1) {
    job.cpus = callerCpus();
    threads = std::min(threads, maxThreads);
    int cpus = int(hardwareThreads(job.cpus));
    if (WaitWord::cpus.load(std::memory_order_relaxed) != cpus)
      WaitWord::cpus.store(cpus, std::memory_order_relaxed);
    job.floatMode = FloatMode::current();
    helpers = acquire(threads - 1, job.cpus);
  }
  team.words.reserve(helpers.size() + 1);
  team.words.push_back(&own);
  for (Helper *helper : helpers) {
    helper->arrived.reset(0);
    team.words.push_back(&helper->arrived);
  }

  BusyCount busy(int(team.words.size()));
  unsigned index = 0;
  for (Helper *helper : helpers) {
    helper->job = &job;
    helper->index = ++index;
    helper->mail.publish(++helper->jobs);
  }
  Member self(team, 0);
  body(argument, self);
  self.finish();
  if (!helpers.empty())
    release(helpers);
}

unsigned ThreadPool::helpers() {
  State &s = pool();
  std::lock_guard<std::mutex> lock(s.mutex);
  return unsigned(s.helpers.size());
}

std::mutex &ThreadPool::mutex() { return pool().mutex; }
