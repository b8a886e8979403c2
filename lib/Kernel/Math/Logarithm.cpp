//===- Logarithm.cpp - log, log2, log10, log1p ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// log x = e ln 2 + log(1 + f) with x = 2^e (1 + f) and 1 + f between the roots
/// of 1/2 and of 2, so that the terms do not cancel.
///
//===----------------------------------------------------------------------===//
#include "Functions.h"

#include <limits>

using namespace mlir;

namespace fairway {

// log(1 + f) = f + f^2 q(f).
static constexpr float kLog[] = {-0.499999911f, 0.333339483f, -0.250017852f,
                                 0.199621558f,  -0.16570048f, 0.149168193f,
                                 -0.143096641f, 0.0874000862f};
// log2(1 + f) = f p(f).
static constexpr float kLog2[] = {1.44269502f,   -0.721347392f, 0.48090896f,
                                  -0.360700577f, 0.287953496f,  -0.239014849f,
                                  0.21548076f,   -0.206787482f, 0.12584345f};

static constexpr float kInfinity = std::numeric_limits<float>::infinity();
static constexpr uint32_t kRootHalf = 0x3f3504f3; // the bits of 0.7071068f

Split splitExponent(FloatBuilder &f, Value x) {
  // Denormals have too few bits until they are scaled.
  Value tiny = f.less(x, f.f32(std::numeric_limits<float>::min()));
  Value scaled = f.select(tiny, f.mul(x, f.f32(0x1p24f)), x);
  Value bits = f.bits(scaled);
  Value exponent = f.shiftRight(f.subBits(bits, f.i32(kRootHalf)), 23);
  Value mantissa = f.fromBits(f.subBits(bits, f.shiftLeft(exponent, 23)));
  Value bias = f.select(tiny, f.f32(-24.0f), f.f32(0.0f));
  return {f.add(f.toFloat(exponent), bias), f.sub(mantissa, f.f32(1.0f))};
}

static Value logOfOnePlus(FloatBuilder &f, Value fraction) {
  Value q = f.polynomial(kLog, fraction);
  return f.fma(f.mul(fraction, fraction), q, fraction);
}

/// exponent * (high + low) + rest; exponent * high is exact.
static Value addExponent(FloatBuilder &f, Value exponent, float high, float low,
                         Value rest) {
  rest = f.fma(exponent, f.f32(low), rest);
  return f.fma(exponent, f.f32(high), rest);
}

/// `result`, but infinity and NaN for themselves, -infinity for the pole, NaN
/// for what is less.
static Value finish(FloatBuilder &f, Value x, float pole, Value result) {
  result = f.select(f.less(x, f.f32(kInfinity)), result, x);
  Value outside = f.select(f.equal(x, f.f32(pole)), f.f32(-kInfinity),
                           f.f32(std::numeric_limits<float>::quiet_NaN()));
  return f.select(f.less(f.f32(pole), x), result, outside);
}

Value emitLog(FloatBuilder &f, Value x) {
  Split s = splitExponent(f, x);
  Value rest = logOfOnePlus(f, s.fraction);
  return finish(f, x, 0.0f,
                addExponent(f, s.exponent, kLn2High, kLn2Low, rest));
}

Value emitLog2(FloatBuilder &f, Value x) {
  Split s = splitExponent(f, x);
  Value ratio = f.polynomial(kLog2, s.fraction);
  return finish(f, x, 0.0f, f.fma(s.fraction, ratio, s.exponent));
}

Value emitLog10(FloatBuilder &f, Value x) {
  // log10(e) and log10(2), each in two parts.
  constexpr float eHigh = 0x1.bcb7b2p-2f, eLow = -0x1.5b235ep-27f;
  constexpr float twoHigh = 0x1.344p-2f, twoLow = 0x1.3509f8p-18f;
  Split s = splitExponent(f, x);
  Value natural = logOfOnePlus(f, s.fraction);
  Value rest = f.fma(natural, f.f32(eHigh), f.mul(natural, f.f32(eLow)));
  return finish(f, x, 0.0f, addExponent(f, s.exponent, twoHigh, twoLow, rest));
}

Value emitLog1P(FloatBuilder &f, Value x) {
  // The exponent is that of the rounded 1 + x, the fraction is from x itself:
  // 2^-e x + (2^-e - 1), in steps of 2^2 so that nothing is denormal.
  Value one = f.f32(1.0f), quarter = f.f32(0.25f);
  Value bits = f.bits(f.add(x, one));
  Value exponent = f.shiftRight(f.subBits(bits, f.i32(kRootHalf)), 23);
  Value scale =
      f.fromBits(f.subBits(f.bits(f.f32(4.0f)), f.shiftLeft(exponent, 23)));
  Value offset = f.fma(scale, quarter, f.f32(-1.0f));
  Value fraction = f.fma(f.mul(x, quarter), scale, offset);
  Value result = addExponent(f, f.toFloat(exponent), kLn2High, kLn2Low,
                             logOfOnePlus(f, fraction));
  // Zeros keep their sign, denormals their bits.
  result = f.select(f.less(f.abs(x), f.f32(0x1p-60f)), x, result);
  return finish(f, x, -1.0f, result);
}

} // namespace fairway
