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

// The same, for sigmoid, which is 1 and 0 beyond these.
static constexpr float kExpHalf[] = {0.49999994f, 0.166665211f, 0.0416682884f,
                                     0.00836870354f, 0.00138189388f};
static constexpr float kSigmoidLowest = -104.0f, kSigmoidHighest = 65.0f;

// tanh x = x + x^3 p(x^2) on |x| <= 0.65.
static constexpr float kTanhSplit = 0.65f;
static constexpr float kTanhSmall[] = {
    -0.333332598f, 0.133308291f, -0.0536879115f, 0.0204690564f, -0.0055147768f};

Value emitSigmoid(FloatBuilder &f, Value x) {
  // 1 / (1 + e) for e = e^-x = 2^k e^r, all times 2^-32: so neither a result
  // that is denormal nor 2^k leaves the range of single precision.
  x = f.atLeast(kSigmoidLowest, f.atMost(kSigmoidHighest, x));
  Value rounded = f.fma(x, f.f32(-0x1.715476p+0f), f.f32(kRound));
  Value k = f.sub(rounded, f.f32(kRound));
  Value r = f.fma(k, f.f32(-kLn2High), f.neg(x));
  r = f.fma(k, f.f32(-kLn2Low), r);
  Value one = f.f32(0x1p-32f);
  Value power =
      f.fromBits(f.addBits(f.shiftLeft(f.bits(rounded), 23), f.bits(one)));
  Value small = f.fma(f.mul(r, r), f.polynomial(kExpHalf, r), r);
  Value exp = f.fma(small, power, power);
  Value sum = f.add(one, exp);
  Value result = f.div(one, sum);
  // What the sum lost matters where it is mostly e, and the reciprocal of the
  // sum is the result itself.
  Value lost = f.sub(one, f.sub(sum, exp));
  return f.fma(f.neg(f.mul(result, lost)), f.mul(result, f.f32(0x1p32f)),
               result);
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
