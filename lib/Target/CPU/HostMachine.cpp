//===- HostMachine.cpp - caches and clock of the machine at hand ----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only what stays the same between two calls is read: the description is part
// of the compilation cache's key.
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/CPU.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MemoryBuffer.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace llvm;
using fairway::MachineDescription;

namespace {

/// A data or unified cache.
struct Cache {
  unsigned level = 0;
  int64_t bytes = 0;
  /// Logical processors that share it.
  int64_t sharing = 1;
};

/// The first line of a file; empty if there is none.
std::string readLine(const Twine &path) {
  auto buffer = MemoryBuffer::getFileAsStream(path);
  if (!buffer)
    return "";
  return (*buffer)->getBuffer().split('\n').first.trim().str();
}

/// Counts a list of processors such as "0-3,8".
int64_t countProcessors(StringRef list) {
  SmallVector<StringRef> parts;
  list.split(parts, ',', -1, /*KeepEmpty=*/false);
  int64_t count = 0;
  for (StringRef part : parts) {
    auto [first, last] = part.split('-');
    int64_t from = 0, to = 0;
    if (first.getAsInteger(10, from))
      return 0;
    if (last.getAsInteger(10, to))
      to = from;
    count += std::max<int64_t>(0, to - from + 1);
  }
  return count;
}

/// What Linux says of the first processor's caches.
SmallVector<Cache> cachesOfSystem(StringRef root) {
  SmallVector<Cache> caches;
  for (unsigned index = 0;; ++index) {
    std::string folder =
        (root + "/cpu0/cache/index" + Twine(index) + "/").str();
    std::string level = readLine(folder + "level");
    if (level.empty())
      return caches;
    Cache cache;
    StringRef size;
    std::string sizeText = readLine(folder + "size");
    size = sizeText;
    int64_t unit = size.consume_back("K")   ? 1 << 10
                   : size.consume_back("M") ? 1 << 20
                                            : 1;
    if (readLine(folder + "type") == "Instruction" ||
        StringRef(level).getAsInteger(10, cache.level) ||
        size.getAsInteger(10, cache.bytes))
      continue;
    cache.bytes *= unit;
    cache.sharing = countProcessors(readLine(folder + "shared_cpu_list"));
    caches.push_back(cache);
  }
}

/// What the processor itself says of its caches.
SmallVector<Cache> cachesOfProcessor() {
  SmallVector<Cache> caches;
#if defined(__x86_64__)
  // Intel's leaf, and AMD's of the same form.
  for (unsigned leaf : {0x4u, 0x8000001du}) {
    for (unsigned index = 0; index < 16; ++index) {
      unsigned a, b, c, d;
      if (!__get_cpuid_count(leaf, index, &a, &b, &c, &d))
        break;
      unsigned type = a & 31; // 1: data, 2: instructions, 3: both
      if (type == 0)
        break;
      if (type == 2)
        continue;
      Cache cache;
      cache.level = (a >> 5) & 7;
      cache.bytes = int64_t((b >> 22) + 1) * (((b >> 12) & 0x3ff) + 1) *
                    ((b & 0xfff) + 1) * (int64_t(c) + 1);
      cache.sharing = ((a >> 14) & 0xfff) + 1;
      caches.push_back(cache);
    }
    if (!caches.empty())
      break;
  }
#endif
  return caches;
}

/// Takes over what makes sense.
void apply(const Cache &cache, int64_t threadsPerCore, int64_t processors,
           MachineDescription &machine) {
  auto within = [&](int64_t low, int64_t high) {
    return cache.bytes >= low && cache.bytes <= high;
  };
  constexpr int64_t kib = 1 << 10, mib = 1 << 20;
  int64_t cores = std::max<int64_t>(1, cache.sharing / threadsPerCore);
  if (cache.level == 1 && within(8 * kib, mib))
    machine.l1Bytes = cache.bytes;
  // Some processors share it between a few cores.
  if (cache.level == 2 && within(64 * kib, 64 * mib))
    machine.l2Bytes = cache.bytes / cores;
  // One that belongs to a single processor of several is made up.
  if (cache.level == 3 && within(mib, 4096 * mib) &&
      (cache.sharing > threadsPerCore || processors <= threadsPerCore)) {
    machine.l3Bytes = cache.bytes;
    machine.l3Cores = cores;
  }
}

} // namespace

void fairway::readHost(StringRef root, MachineDescription &machine) {
  int64_t threadsPerCore = std::max<int64_t>(
      1,
      countProcessors(readLine(root + "/cpu0/topology/thread_siblings_list")));
  int64_t processors =
      std::max<int64_t>(1, countProcessors(readLine(root + "/online")));
  SmallVector<Cache> caches = cachesOfSystem(root);
  if (caches.empty())
    caches = cachesOfProcessor();
  for (const Cache &cache : caches)
    apply(cache, threadsPerCore, processors, machine);

  // The fastest clock is one that full vectors on all cores do not reach.
  constexpr double underLoad = 0.85;
  int64_t kilohertz = 0;
  std::string fastest = readLine(root + "/cpu0/cpufreq/cpuinfo_max_freq");
  if (!StringRef(fastest).getAsInteger(10, kilohertz) && kilohertz > 500'000 &&
      kilohertz < 10'000'000)
    machine.ghz = underLoad * double(kilohertz) * 1e-6;
}
