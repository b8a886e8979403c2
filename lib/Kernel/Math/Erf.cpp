//===- Erf.cpp - erf and the two forms of GELU ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// A function z that rises from 0 to 1 is 1 - (1 - w)^8 with w = a p(a), where
/// p is smooth and need not be exact where z is nearly 1. z <- 2 z - z^2 three
/// times leads from w to z: it keeps a relative error that w has near 0, and
/// removes one near 1. So a single polynomial serves all arguments.
///
//===----------------------------------------------------------------------===//
#include "Functions.h"

using namespace mlir;

namespace fairway {

// From the ends on, the functions round to 1.
static constexpr float kErfEnd = 3.95f, kGeluEnd = 5.6f, kGeluTanhEnd = 5.3f;

// 1 - (1 - erf a)^(1/8) = a (kErfFirst + p(a)).
static constexpr float kErfFirst = 0.141047403f;
static constexpr float kErf[] = {
    -8.3332532e-09f,  0.0696303695f,   0.0020890173f,    -0.00658917008f,
    -0.000186654681f, 0.000512966013f, -8.89218791e-05f, 4.80753579e-06f};

// The same for erf (a / sqrt 2), and for tanh (sqrt (2 / pi) (a + 0.044715
// a^3)), with the first coefficient in p.
static constexpr float kGelu[] = {
    0.0997355729f,    0.0348150395f,   0.00073950371f,   -0.00164940034f,
    -3.08028284e-05f, 6.29939532e-05f, -7.58277156e-06f, 2.74620589e-07f};
static constexpr float kGeluTanh[] = {
    0.0997355729f,   0.0348147899f,    0.00066188199f,  -0.00173390738f,
    5.62830828e-05f, -2.72738052e-05f, 8.67085619e-05f, -3.98799166e-05f,
    7.91268394e-06f, -7.25940424e-07f, 2.4336984e-08f};

/// 2 z - z^2, with one rounding.
static Value approachOne(FloatBuilder &f, Value z) {
  return f.fma(f.neg(z), z, f.add(z, z));
}

Value emitErf(FloatBuilder &f, Value x) {
  // A rounding of w would count almost twice in the result, so the largest
  // term of w and of the first two steps, a multiple of a, joins last.
  Value a = f.atMost(kErfEnd, f.abs(x));
  float first = kErfFirst;
  Value rest = f.mul(a, f.polynomial(kErf, a));
  Value z = f.fma(a, f.f32(first), rest);
  for (int step = 0; step < 2; ++step) {
    rest = f.fma(f.neg(z), z, f.add(rest, rest));
    first *= 2;
    z = f.fma(a, f.f32(first), rest);
  }
  return f.copySign(approachOne(f, z), x);
}

/// x (1 + sign(x) z(|x|)) / 2.
static Value emitGated(FloatBuilder &f, Value x, float end,
                       ArrayRef<float> coefficients) {
  Value magnitude = f.abs(x);
  Value a = f.atMost(end, magnitude);
  Value z = f.mul(a, f.polynomial(coefficients, a));
  for (int step = 0; step < 3; ++step)
    z = approachOne(f, z);
  return f.mul(f.fma(magnitude, z, x), f.f32(0.5f));
}

Value emitGelu(FloatBuilder &f, Value x) {
  return emitGated(f, x, kGeluEnd, kGelu);
}

Value emitGeluTanh(FloatBuilder &f, Value x) {
  return emitGated(f, x, kGeluTanhEnd, kGeluTanh);
}

} // namespace fairway
