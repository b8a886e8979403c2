//===- Affinity.cpp - which CPUs a thread may use -------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Affinity.h"

#include <algorithm>
#include <cstdio>
#include <thread>

using namespace fairway::runtime;

namespace {

/// Number of the first hardware thread of the core that `cpu` belongs to; `cpu`
/// itself if the system does not tell.
int firstSibling(int cpu) {
  char path[96];
  snprintf(path, sizeof path,
           "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  int first = cpu;
  if (FILE *file = fopen(path, "re")) {
    if (fscanf(file, "%d", &first) != 1)
      first = cpu;
    fclose(file);
  }
  return first;
}

unsigned physicalCores(const cpu_set_t &cpus) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &cpus))
      CPU_SET(firstSibling(cpu), &cores);
  return CPU_COUNT(&cores);
}

/// CPUs that the control group's quota (version 2, then 1) is worth, rounded
/// up; a large number without one.
unsigned quotaCpus() {
  constexpr unsigned unlimited = CPU_SETSIZE;
  double quota = 0, period = 0;
  if (FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re")) {
    int fields = fscanf(file, "%lf %lf", &quota, &period); // "max 100000"
    fclose(file);
    if (fields != 2)
      return unlimited;
  } else {
    FILE *q = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re");
    FILE *p = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re");
    if (!q || !p || fscanf(q, "%lf", &quota) != 1 ||
        fscanf(p, "%lf", &period) != 1)
      quota = 0;
    if (q)
      fclose(q);
    if (p)
      fclose(p);
  }
  if (quota <= 0 || period <= 0)
    return unlimited;
  double cpus = quota / period;
  if (cpus >= unlimited)
    return unlimited;
  return std::max(1u, unsigned(cpus + 0.999));
}

} // namespace

cpu_set_t fairway::runtime::callerCpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
    CPU_ZERO(&cpus);
  return cpus;
}

namespace {

/// What was last found out about a set of CPUs. Counting them, let alone
/// reading the topology, takes longer than waking the pool.
struct Answer {
  cpu_set_t cpus;
  unsigned threads = 0;
  unsigned cores = 0; // 0 until asked for
};

Answer &answerFor(const cpu_set_t &cpus) {
  static thread_local Answer last;
  if (!last.threads || !CPU_EQUAL(&last.cpus, &cpus)) {
    unsigned count = CPU_COUNT(&cpus);
    last.cpus = cpus;
    last.threads =
        count ? count : std::max(1u, std::thread::hardware_concurrency());
    last.cores = 0;
  }
  return last;
}

} // namespace

unsigned fairway::runtime::hardwareThreads(const cpu_set_t &cpus) {
  return answerFor(cpus).threads;
}

unsigned fairway::runtime::usableCores(const cpu_set_t &cpus) {
  Answer &answer = answerFor(cpus);
  if (!answer.cores) {
    unsigned cores = physicalCores(cpus);
    answer.cores = std::min(cores ? cores : answer.threads, quotaCpus());
  }
  return answer.cores;
}
