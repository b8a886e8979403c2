//===- PolynomialTest.cpp - sizes found by their values at samples --------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/Polynomial.h"

#include "gtest/gtest.h"

#include <functional>
#include <random>

using fairway::Polynomial;
using fairway::PolynomialFinder;

namespace {

using Sizes = llvm::SmallVector<int64_t, 2>;
using Function = std::function<int64_t(int64_t batch, int64_t sequence)>;

const Sizes kSamples[] = {{1009, 1511}, {1082, 1594}, {1151, 1733}};

std::optional<Polynomial> find(const Function &function) {
  llvm::SmallVector<int64_t> values;
  for (const Sizes &sizes : kSamples)
    values.push_back(function(sizes[0], sizes[1]));
  return PolynomialFinder(kSamples).find(values);
}

/// Found, and right for sizes that were no samples.
void expectFound(const Function &function, const char *what) {
  std::optional<Polynomial> found = find(function);
  ASSERT_TRUE(found) << what;
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int64_t> size(0, 4096);
  for (int i = 0; i < 100; ++i) {
    int64_t batch = size(random), sequence = size(random);
    EXPECT_EQ(found->at({batch, sequence}), function(batch, sequence))
        << what << " of " << batch << " and " << sequence;
  }
}

TEST(Polynomial, IsFoundForWhatTensorsAreMadeOf) {
  expectFound([](auto b, auto s) { return 0; }, "0");
  expectFound([](auto b, auto s) { return 42; }, "a constant");
  expectFound([](auto b, auto s) { return b; }, "b");
  expectFound([](auto b, auto s) { return s; }, "s");
  expectFound([](auto b, auto s) { return 12 * b * s * s; }, "12bss");
  expectFound([](auto b, auto s) { return 768 * 4 * b * s; }, "3072bs");
  expectFound([](auto b, auto s) { return s + 1; }, "s + 1");
  expectFound([](auto b, auto s) { return 64 * b * (s + 1); }, "64b(s + 1)");
  expectFound([](auto b, auto s) { return (s + 1) * (s + 1); }, "(s + 1)^2");
  expectFound([](auto b, auto s) { return 2 * s - 7; }, "2s - 7");
  expectFound([](auto b, auto s) { return b + s; }, "b + s");
  expectFound([](auto b, auto s) { return 4 * b * s * s + 192; }, "4bss + 192");
}

TEST(Polynomial, IsNotFoundForWhatIsNone) {
  EXPECT_FALSE(find([](auto b, auto s) { return s / 2; }));
  EXPECT_FALSE(find([](auto b, auto s) { return (s + 15) / 16 * 16; }));
  EXPECT_FALSE(find([](auto b, auto s) { return (s + 23) / 24; }));
  EXPECT_FALSE(find([](auto b, auto s) { return s % 64; }));
  EXPECT_FALSE(find([](auto b, auto s) { return (4 * b + 63) / 64 * 64; }));
}

TEST(Polynomial, SaysWhenItsValueDoesNotFit) {
  std::optional<Polynomial> found =
      find([](auto b, auto s) { return b * s * s; });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->at({int64_t(1) << 40, int64_t(1) << 40}), std::nullopt);
}

} // namespace
