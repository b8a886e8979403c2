//===- Exponential.cpp - exp, exp2, expm1 ---------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// e^x = 2^k * e^r * 2^k with x = 2k ln 2 + r, |r| <= ln 2. Reducing by two
/// times ln 2 costs one more term than by ln 2, and saves more: both factors
/// are normal numbers, so overflow and denormal results come out of the last
/// multiplication, with one rounding. NaN passes through every operation.
///
//===----------------------------------------------------------------------===//
#include "Functions.h"

using namespace mlir;

namespace fairway {

// e^r = 1 + r + r^2 q(r) on |r| <= ln 2; the first for an error relative to
// e^r, the second to e^r - 1.
static constexpr float kExp[] = {0.500000358f,   0.166666165f,
                                 0.0416612104f,  0.00833600014f,
                                 0.00141052797f, 0.000196233872f};
static constexpr float kExpm1[] = {
    0.5f,          0.166666716f,    0.0416666456f,  0.00833266135f,
    0.0013889774f, 0.000200913069f, 2.48353299e-05f};

// Beyond these e^x is infinite and zero.
static constexpr float kLowest = -104.0f, kHighest = 89.0f;

Value powerOfTwo(FloatBuilder &f, Value rounded) {
  Value exponent = f.shiftLeft(f.bits(rounded), 23);
  return f.fromBits(f.addBits(exponent, f.bits(f.f32(1.0f))));
}

namespace {
/// `x = 2 k ln 2 + rest`, k the nearest integer, and `power = 2^k`.
struct Reduced {
  Value rest, power;
};
} // namespace

/// Reduces |x| <= 105.
static Reduced reduceByTwoLn2(FloatBuilder &f, Value x) {
  constexpr float half = 0x1.715476p-1f; // 1 / (2 ln 2)
  Value rounded = f.fma(x, f.f32(half), f.f32(kRound));
  Value k = f.sub(rounded, f.f32(kRound));
  Value rest = f.fma(k, f.f32(-2 * kLn2High), x);
  rest = f.fma(k, f.f32(-2 * kLn2Low), rest);
  return {rest, powerOfTwo(f, rounded)};
}

/// e^r - 1 from the rest of its series.
static Value finishExpM1(FloatBuilder &f, Value r, Value q) {
  return f.fma(f.mul(r, r), q, r);
}

/// 2^-k for a normal 2^k.
static Value invertPower(FloatBuilder &f, Value power) {
  return f.fromBits(f.subBits(f.i32(0x7f000000), f.bits(power)));
}

/// e^r * power^2.
static Value scaleExp(FloatBuilder &f, Reduced x) {
  Value small = finishExpM1(f, x.rest, f.polynomial(kExp, x.rest));
  return f.mul(f.fma(small, x.power, x.power), x.power);
}

Value emitExp(FloatBuilder &f, Value x) {
  x = f.atLeast(kLowest, f.atMost(kHighest, x));
  return scaleExp(f, reduceByTwoLn2(f, x));
}

Value emitExp2(FloatBuilder &f, Value x) {
  x = f.atLeast(-151.0f, f.atMost(129.0f, x));
  Value rounded = f.fma(x, f.f32(0.5f), f.f32(kRound));
  Value k = f.sub(rounded, f.f32(kRound));
  Value rest = f.mul(f.fma(k, f.f32(-2.0f), x), f.f32(0x1.62e43p-1f));
  return scaleExp(f, {rest, powerOfTwo(f, rounded)});
}

Value emitExpM1(FloatBuilder &f, Value x) {
  // P (P (e^r - 1) + P - 1/P) for e^x = P^2 e^r, which neither cancels nor
  // overflows early.
  Value bounded = f.atLeast(kLowest, f.atMost(kHighest, x));
  Reduced reduced = reduceByTwoLn2(f, bounded);
  Value power = reduced.power;
  Value offset = f.sub(power, invertPower(f, power));
  Value small =
      finishExpM1(f, reduced.rest, f.polynomial(kExpm1, reduced.rest));
  Value result = f.mul(power, f.fma(power, small, offset));
  // The result for -0 is -0.
  return f.copySign(result, x);
}

} // namespace fairway
