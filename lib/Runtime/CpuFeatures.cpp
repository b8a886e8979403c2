//===- CpuFeatures.cpp - what this machine's CPU can do -------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table a architecture: LLVM's feature name and where the hardware (x86) or
// the kernel (AArch64) reports it.
//
//===----------------------------------------------------------------------===//
#include "CpuFeatures.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

using namespace fairway::runtime;

#if defined(__x86_64__)
namespace {

enum Register : uint8_t { EAX, EBX, ECX, EDX };

/// Register state that the operating system must save for the feature to work.
enum State : uint8_t { Base, AVX, AVX512, AMX };

struct Entry {
  std::string_view name;
  uint32_t leaf;
  uint32_t subleaf;
  Register reg;
  uint8_t bit;
  State state;
};

// Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
constexpr Entry table[] = {
    {"cx8", 1, 0, EDX, 8, Base},
    {"cmov", 1, 0, EDX, 15, Base},
    {"mmx", 1, 0, EDX, 23, Base},
    {"fxsr", 1, 0, EDX, 24, Base},
    {"sse", 1, 0, EDX, 25, Base},
    {"sse2", 1, 0, EDX, 26, Base},
    {"sse3", 1, 0, ECX, 0, Base},
    {"pclmul", 1, 0, ECX, 1, Base},
    {"ssse3", 1, 0, ECX, 9, Base},
    {"fma", 1, 0, ECX, 12, AVX},
    {"cx16", 1, 0, ECX, 13, Base},
    {"sse4.1", 1, 0, ECX, 19, Base},
    {"sse4.2", 1, 0, ECX, 20, Base},
    {"crc32", 1, 0, ECX, 20, Base},
    {"movbe", 1, 0, ECX, 22, Base},
    {"popcnt", 1, 0, ECX, 23, Base},
    {"aes", 1, 0, ECX, 25, Base},
    {"xsave", 1, 0, ECX, 27, Base},
    {"avx", 1, 0, ECX, 28, AVX},
    {"f16c", 1, 0, ECX, 29, AVX},
    {"rdrnd", 1, 0, ECX, 30, Base},
    {"fsgsbase", 7, 0, EBX, 0, Base},
    {"bmi", 7, 0, EBX, 3, Base},
    {"avx2", 7, 0, EBX, 5, AVX},
    {"bmi2", 7, 0, EBX, 8, Base},
    {"invpcid", 7, 0, EBX, 10, Base},
    {"rtm", 7, 0, EBX, 11, Base},
    {"avx512f", 7, 0, EBX, 16, AVX512},
    {"avx512dq", 7, 0, EBX, 17, AVX512},
    {"rdseed", 7, 0, EBX, 18, Base},
    {"adx", 7, 0, EBX, 19, Base},
    {"avx512ifma", 7, 0, EBX, 21, AVX512},
    {"clflushopt", 7, 0, EBX, 23, Base},
    {"clwb", 7, 0, EBX, 24, Base},
    {"avx512cd", 7, 0, EBX, 28, AVX512},
    {"sha", 7, 0, EBX, 29, Base},
    {"avx512bw", 7, 0, EBX, 30, AVX512},
    {"avx512vl", 7, 0, EBX, 31, AVX512},
    {"avx512vbmi", 7, 0, ECX, 1, AVX512},
    {"waitpkg", 7, 0, ECX, 5, Base},
    {"avx512vbmi2", 7, 0, ECX, 6, AVX512},
    {"gfni", 7, 0, ECX, 8, Base},
    {"vaes", 7, 0, ECX, 9, AVX},
    {"vpclmulqdq", 7, 0, ECX, 10, AVX},
    {"avx512vnni", 7, 0, ECX, 11, AVX512},
    {"avx512bitalg", 7, 0, ECX, 12, AVX512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, AVX512},
    {"rdpid", 7, 0, ECX, 22, Base},
    {"cldemote", 7, 0, ECX, 25, Base},
    {"movdiri", 7, 0, ECX, 27, Base},
    {"movdir64b", 7, 0, ECX, 28, Base},
    {"avx512vp2intersect", 7, 0, EDX, 8, AVX512},
    {"serialize", 7, 0, EDX, 14, Base},
    {"amx-bf16", 7, 0, EDX, 22, AMX},
    {"avx512fp16", 7, 0, EDX, 23, AVX512},
    {"amx-tile", 7, 0, EDX, 24, AMX},
    {"amx-int8", 7, 0, EDX, 25, AMX},
    {"sha512", 7, 1, EAX, 0, AVX},
    {"avxvnni", 7, 1, EAX, 4, AVX},
    {"avx512bf16", 7, 1, EAX, 5, AVX512},
    {"amx-fp16", 7, 1, EAX, 21, AMX},
    {"avxifma", 7, 1, EAX, 23, AVX},
    {"avxvnniint8", 7, 1, EDX, 4, AVX},
    {"avxneconvert", 7, 1, EDX, 5, AVX},
    {"amx-complex", 7, 1, EDX, 8, AMX},
    {"avxvnniint16", 7, 1, EDX, 10, AVX},
    {"avx10.1", 7, 1, EDX, 19, AVX512},
    {"xsaveopt", 0xd, 1, EAX, 0, Base},
    {"xsavec", 0xd, 1, EAX, 1, Base},
    {"xsaves", 0xd, 1, EAX, 3, Base},
    {"sahf", 0x80000001, 0, ECX, 0, Base},
    {"lzcnt", 0x80000001, 0, ECX, 5, Base},
    {"sse4a", 0x80000001, 0, ECX, 6, Base},
    {"prfchw", 0x80000001, 0, ECX, 8, Base},
    {"xop", 0x80000001, 0, ECX, 11, AVX},
    {"fma4", 0x80000001, 0, ECX, 16, AVX},
    {"tbm", 0x80000001, 0, ECX, 21, Base},
    {"64bit", 0x80000001, 0, EDX, 29, Base},
    {"clzero", 0x80000008, 0, EBX, 0, Base},
    {"wbnoinvd", 0x80000008, 0, EBX, 9, Base},
};

uint32_t cpuidBits(const Entry &entry) {
  uint32_t regs[4] = {};
  if (!__get_cpuid_count(entry.leaf, entry.subleaf, &regs[EAX], &regs[EBX],
                         &regs[ECX], &regs[EDX]))
    return 0;
  return regs[entry.reg];
}

/// Whether the operating system saves the registers of `state`.
bool stateEnabled(State state) {
  if (state == Base)
    return true;
  uint32_t eax, ebx, ecx, edx;
  constexpr uint32_t osxsave = 1u << 27;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & osxsave))
    return false;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr uint32_t masks[] = {0, 0x6, 0xe6, 0x60000};
  return (low & masks[state]) == masks[state];
}

} // namespace

Feature fairway::runtime::cpuFeature(std::string_view name) {
  for (const Entry &entry : table)
    if (entry.name == name)
      return (cpuidBits(entry) >> entry.bit & 1) && stateEnabled(entry.state)
                 ? Feature::Present
                 : Feature::Missing;
  return Feature::Unknown;
}

#elif defined(__aarch64__)
namespace {

struct Entry {
  std::string_view name;
  uint8_t word; // 0: AT_HWCAP, 1: AT_HWCAP2
  uint8_t bit;
};

// Linux, arch/arm64/include/uapi/asm/hwcap.h.
constexpr Entry table[] = {
    {"fp-armv8", 0, 0},   {"neon", 0, 1},  {"aes", 0, 3},
    {"sha2", 0, 6},       {"crc", 0, 7},   {"lse", 0, 8},
    {"fullfp16", 0, 10},  {"rdm", 0, 12},  {"jsconv", 0, 13},
    {"complxnum", 0, 14}, {"rcpc", 0, 15}, {"sha3", 0, 17},
    {"dotprod", 0, 20},   {"sve", 0, 22},  {"fp16fml", 0, 23},
    {"sve2", 1, 1},       {"i8mm", 1, 13}, {"bf16", 1, 14},
};

} // namespace

Feature fairway::runtime::cpuFeature(std::string_view name) {
  unsigned long words[] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
  for (const Entry &entry : table)
    if (entry.name == name)
      return words[entry.word] >> entry.bit & 1 ? Feature::Present
                                                : Feature::Missing;
  return Feature::Unknown;
}
#endif

std::string fairway::runtime::missingCpuFeatures(std::string_view required) {
  std::string missing;
  while (!required.empty()) {
    size_t comma = required.find(',');
    std::string_view name = required.substr(0, comma);
    required.remove_prefix(comma == std::string_view::npos ? required.size()
                                                           : comma + 1);
    if (!name.empty() && name.front() == '+')
      name.remove_prefix(1);
    if (cpuFeature(name) != Feature::Missing)
      continue;
    if (!missing.empty())
      missing += ", ";
    missing += name;
  }
  return missing;
}
