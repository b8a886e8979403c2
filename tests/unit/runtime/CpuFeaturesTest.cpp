//===- CpuFeaturesTest.cpp - what this machine's CPU can do ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CpuFeatures.h"
#include "Testing.h"

#include <fstream>
#include <sstream>

using namespace fairway::runtime;

#if defined(__x86_64__)
namespace {

/// Whether the kernel lists `flag` for the first CPU.
bool kernelHas(const std::string &flag) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("flags", 0) == 0) {
      std::istringstream words(line);
      for (std::string word; words >> word;)
        if (word == flag)
          return true;
      return false;
    }
  return false;
}

} // namespace

TEST(CpuFeatures, AgreeWithTheKernel) {
  const char *names[][2] = {// LLVM's and the kernel's
                            {"sse2", "sse2"},
                            {"sse4.2", "sse4_2"},
                            {"popcnt", "popcnt"},
                            {"movbe", "movbe"},
                            {"avx", "avx"},
                            {"avx2", "avx2"},
                            {"fma", "fma"},
                            {"f16c", "f16c"},
                            {"bmi", "bmi1"},
                            {"bmi2", "bmi2"},
                            {"lzcnt", "abm"},
                            {"sse4a", "sse4a"},
                            {"vaes", "vaes"},
                            {"avxvnni", "avx_vnni"},
                            {"avx512f", "avx512f"},
                            {"avx512vl", "avx512vl"},
                            {"avx512bw", "avx512bw"},
                            {"avx512dq", "avx512dq"},
                            {"avx512vnni", "avx512_vnni"},
                            {"avx512bf16", "avx512_bf16"},
                            {"avx512fp16", "avx512_fp16"},
                            {"amx-tile", "amx_tile"},
                            {"xsavec", "xsavec"},
                            {"clzero", "clzero"}};
  for (auto &name : names)
    EXPECT_EQ(fairway_cpu_has_feature(name[0]), kernelHas(name[1])) << name[0];
}

TEST(CpuFeatures, ListNamesWhatIsMissing) {
  EXPECT_EQ(missingCpuFeatures("+sse2,xop,-tbm,prefer-256-bit,+xop"),
            fairway_cpu_has_feature("xop") ? "" : "xop, xop");
}
#endif

TEST(CpuFeatures, UnknownNamesRequireNothing) {
  EXPECT_EQ(fairway_cpu_has_feature("prefer-256-bit"), -1);
  EXPECT_EQ(fairway_cpu_has_feature(nullptr), -1);
  EXPECT_EQ(missingCpuFeatures("prefer-256-bit,+tuning"), "");
}

TEST(CpuFeatures, EmptyListRequiresNothing) {
  EXPECT_EQ(missingCpuFeatures(""), "");
  EXPECT_EQ(missingCpuFeatures(",,+"), "");
}
