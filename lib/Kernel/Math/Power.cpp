//===- Power.cpp - pow
//-----------------------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// |x|^y = 2^t, t = y log2 |x|, in double precision: the exponent has up to
/// eight bits before its point, and all bits of the result behind it.
///
//===----------------------------------------------------------------------===//
#include "Functions.h"

#include <limits>

using namespace mlir;

namespace fairway {

// log2((1 + s) / (1 - s)) = s p(s^2) for (1 + s) / (1 - s) between the roots of
// 1/2 and of 2.
static constexpr double kLogRatio[] = {
    0x1.71547652beefep+1, 0x1.ec709d116f5f9p-1, 0x1.277781004587bp-1,
    0x1.a58cfe69f772ep-2, 0x1.5cf2cecea2821p-2};
// 2^r on |r| <= 1.
static constexpr double kExp2Wide[] = {
    0x1.fffffffdfcc4ap-1,  0x1.62e42fd531ec1p-1,  0x1.ebfbe0f8da612p-3,
    0x1.c6b0a509de555p-5,  0x1.3b2a69ef5466bp-7,  0x1.5d7ceb68eaa53p-10,
    0x1.43249e7788605p-13, 0x1.03b0677422e41p-16, 0x1.5e7f234823632p-20};

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

static Value polynomial(FloatBuilder &f, ArrayRef<double> c, Value x) {
  Value result = f.f64(c.back());
  for (double coefficient : llvm::reverse(c.drop_back()))
    result = f.fma(result, x, f.f64(coefficient));
  return result;
}

/// log2 of a number that is not negative, as double.
static Value wideLog2(FloatBuilder &f, Value x) {
  Split split = splitExponent(f, x);
  Value fraction = f.widen(split.fraction);
  Value s = f.div(fraction, f.add(fraction, f.f64(2.0)));
  Value log =
      f.fma(s, polynomial(f, kLogRatio, f.mul(s, s)), f.widen(split.exponent));
  // Infinity and NaN are their own.
  log = f.select(f.less(x, f.f32(kInfinity)), log, f.widen(x));
  return f.select(f.equal(x, f.f32(0.0f)), f.f64(-kInfinity), log);
}

/// 2^t to single precision, rounded once.
static Value narrowExp2(FloatBuilder &f, Value t) {
  Value low = f.f64(-152.0), high = f.f64(130.0);
  t = f.select(f.less(t, low), low, t);
  t = f.select(f.less(high, t), high, t);
  // By half of t, as twice 2^k is out of range in single precision.
  Value rounded = f.add(f.narrow(f.mul(t, f.f64(0.5))), f.f32(kRound));
  Value k = f.widen(f.sub(rounded, f.f32(kRound)));
  Value rest = f.fma(k, f.f64(-2.0), t);
  Value power = f.widen(powerOfTwo(f, rounded));
  Value result = polynomial(f, kExp2Wide, rest);
  return f.narrow(f.mul(f.mul(result, power), power));
}

Value emitPow(FloatBuilder &f, Value x, Value y) {
  Value magnitude = f.abs(x), zero = f.f32(0.0f), one = f.f32(1.0f);
  Value t = f.mul(f.widen(y), wideLog2(f, magnitude));
  // 1^y and x^0 are 1 also for NaN, (-1)^y for infinite y.
  Value whole = f.equal(f.roundEven(y), y);
  Value isOne = f.select(whole, f.equal(magnitude, one), f.equal(x, one));
  Value result = narrowExp2(f, t);
  result = f.select(isOne, one, result);
  result = f.select(f.equal(y, zero), one, result);
  // Odd powers keep the sign, of zeros and infinities too.
  Value half = f.mul(y, f.f32(0.5f));
  Value odd = f.select(f.equal(f.roundEven(half), half), zero, f.neg(zero));
  Value sign = f.andBits(f.bits(x), f.bits(odd));
  Value isSigned = f.fromBits(f.xorBits(f.bits(result), sign));
  result = f.select(whole, isSigned, result);
  // Other powers of negative numbers are not real.
  Value inside = f.select(f.less(magnitude, f.f32(kInfinity)), x, one);
  Value nan = f.f32(std::numeric_limits<float>::quiet_NaN());
  return f.select(whole, result, f.select(f.less(inside, zero), nan, result));
}

} // namespace fairway
