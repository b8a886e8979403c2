//===- Sigmoidal.cpp - sigmoid, tanh --------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Functions.h"

using namespace mlir;

namespace fairway {

// e^r = 1 + r + r^2 q(r) on |r| <= ln 2 / 2, coarser than exp's, as 2 / (1 +
// e^2x) is small where it serves.
static constexpr float kExpNarrow[] = {0.499992251f, 0.166671157f, 0.041891057f,
                                       0.00831265748f};

// tanh x = x + x^3 p(x^2) on |x| <= 0.65.
static constexpr float kTanhSplit = 0.65f;
static constexpr float kTanhSmall[] = {
    -0.333332598f, 0.133308291f, -0.0536879115f, 0.0204690564f, -0.0055147768f};

Value emitSigmoid(FloatBuilder &f, Value x) {
  // For e = e^-|x| = P^2 e^r: low = e / (1 + e) = P e^r / (1/P + P e^r), which
  // does not underflow early, and 1 - low for positive x.
  Value bits = f.bits(x);
  Value minus = f.fromBits(f.orBits(bits, f.i32(kSignBit)));
  Reduced reduced = reduceByTwoLn2(f, f.atLeast(-105.0f, minus));
  Value one = f.f32(1.0f), power = reduced.power;
  Value small = emitSmallExpM1(f, reduced.rest);
  Value exp = f.add(small, one);
  Value lostOfExp = f.mul(f.sub(small, f.sub(exp, one)), power);
  exp = f.mul(exp, power);
  Value inverse = invertPower(f, power);
  Value sum = f.add(inverse, exp);
  Value lostOfSum = f.sub(exp, f.sub(sum, inverse));
  Value low = f.div(exp, sum);
  Value high = f.sub(one, low);
  // What these four roundings lost, to first order; the reciprocal of the sum
  // is (1 - low) P.
  Value minusLow = f.neg(low);
  Value rest = f.fma(minusLow, sum, exp);
  rest = f.fma(minusLow, lostOfSum, rest);
  rest = f.fma(high, lostOfExp, rest);
  low = f.fma(rest, f.mul(high, power), low);
  return f.select(f.negative(bits), low, high);
}

Value emitTanh(FloatBuilder &f, Value x) {
  Value square = f.mul(x, x);
  Value small = f.fma(f.polynomial(kTanhSmall, square), f.mul(x, square), x);

  // 1 - 2 / (1 + e^2a), which is 1 from here on.
  Value a = f.abs(x);
  Value bounded = f.atMost(9.125f, a);
  Value rounded = f.fma(bounded, f.f32(0x1.715476p+1f), f.f32(kRound));
  Value k = f.sub(rounded, f.f32(kRound));
  Value r = f.fma(k, f.f32(-0x1.62e43p-2f), bounded);
  r = f.add(r, r);
  Value power = f.fromBits(
      f.addBits(f.shiftLeft(f.bits(rounded), 23), f.i32(0x3f800000)));
  Value one = f.f32(1.0f);
  Value exp = f.add(f.fma(f.mul(r, r), f.polynomial(kExpNarrow, r), r), one);
  Value sum = f.fma(exp, power, one);
  Value large = f.sub(one, f.div(f.f32(2.0f), sum));
  // Also where the result is zero.
  return f.copySign(f.select(f.less(a, f.f32(kTanhSplit)), small, large), x);
}

} // namespace fairway
