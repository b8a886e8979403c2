//===- Trigonometric.cpp - sin, cos ---------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// sin x = +-sin r with x = k pi + r, |r| <= pi / 2, and k a multiple of 1/2
/// for cos, negative where k is odd. One polynomial serves both, and no lane
/// takes another path than its neighbours, unless an argument is so large that
/// three parts of pi do not reduce it.
///
//===----------------------------------------------------------------------===//
#include "Functions.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace fairway {

// sin r = r + r^3 p(r^2) on |r| <= 1.005 pi / 2.
static constexpr float kSine[] = {-0.166666597f, 0.00833306648f,
                                  -0.000198094451f, 2.60516413e-06f};
// Each part is positive, so that -0 stays -0.
static constexpr float kPi[] = {0x1.921fb4p+1f, 0x1.4442dp-23f,
                                0x1.846988p-47f};
static constexpr float kInversePi = 0x1.45f306p-2f;

/// Up to here k has so few bits that its products with the parts of pi cancel
/// exactly.
static constexpr float kLargest = 0x1p17f;

/// 1 / pi in parts of 28 bits: the product of each with a single-precision
/// number is exact in double precision.
static constexpr double kInversePiParts[] = {
    0x1.45f306cp-2,   0x1.c9c882ap-30, 0x1.4fe13a8p-60, 0x1.f47d4dp-87,
    0x1.bb81b6cp-114, 0x1.4acc9ep-144, 0x1.0e4107cp-171};

namespace {
struct Angle {
  Value rest;  // in [-pi/2, pi/2]
  Value count; // i32, of half turns; only the lowest bit counts
};
} // namespace

/// Any finite x, shifted by `shift` half turns: every part's product is taken
/// modulo a whole turn, which is exact, before they are added. Infinities
/// become NaN.
static Angle reduceAny(FloatBuilder &f, Value x, double shift) {
  Value wide = f.widen(x);
  SmallVector<Value> products;
  Value sum = f.f64(shift);
  for (double part : kInversePiParts) {
    Value turns = f.mul(wide, f.f64(part));
    Value whole = f.roundEven(f.mul(turns, f.f64(0.5)));
    products.push_back(f.sub(turns, f.mul(whole, f.f64(2.0))));
    sum = f.add(sum, products.back());
  }
  Value count = f.roundEven(sum);
  // Once more without the half turns: the large parts cancel exactly before
  // small ones join, however near to a multiple x is.
  Value left = f.sub(f.f64(shift), count);
  for (Value turns : products)
    left = f.add(left, turns);
  Value rest = f.mul(left, f.f64(0x1.921fb54442d18p+1));
  return {f.narrow(rest), f.toInteger(f.narrow(count))};
}

/// The same for |x| <= kLargest.
static Angle reduceUsual(FloatBuilder &f, Value x, float shift) {
  Value rounded;
  if (shift == 0)
    rounded = f.fma(x, f.f32(kInversePi), f.f32(kRound));
  else
    rounded = f.add(f.fma(x, f.f32(kInversePi), f.f32(shift)), f.f32(kRound));
  Value count = f.sub(rounded, f.f32(kRound));
  if (shift != 0)
    count = f.sub(count, f.f32(shift));
  Value rest = x;
  for (float part : kPi)
    rest = f.fma(count, f.f32(-part), rest);
  return {rest, f.bits(rounded)};
}

static Value any(FloatBuilder &f, Value condition) {
  if (!isa<VectorType>(condition.getType()))
    return condition;
  return vector::ReductionOp::create(f.b, f.loc, vector::CombiningKind::OR,
                                     condition);
}

static Value emitSine(FloatBuilder &f, Value x, float shift) {
  // NaN need not be reduced.
  Value far = any(f, f.less(f.f32(kLargest), f.abs(x)));
  auto reduce = scf::IfOp::create(
      f.b, f.loc, far,
      [&](OpBuilder &b, Location loc) {
        FloatBuilder inner(b, loc, x.getType());
        Angle angle = reduceAny(inner, x, shift);
        scf::YieldOp::create(b, loc, {angle.rest, angle.count});
      },
      [&](OpBuilder &b, Location loc) {
        FloatBuilder inner(b, loc, x.getType());
        Angle angle = reduceUsual(inner, x, shift);
        scf::YieldOp::create(b, loc, {angle.rest, angle.count});
      });
  Value rest = reduce.getResult(0), count = reduce.getResult(1);
  Value square = f.mul(rest, rest);
  Value sine = f.fma(f.polynomial(kSine, square), f.mul(rest, square), rest);
  Value bits = f.bits(sine);
  // The sine of -0 is -0.
  if (shift == 0)
    bits = f.orBits(bits, f.andBits(f.bits(rest), f.i32(kSignBit)));
  return f.fromBits(f.xorBits(bits, f.shiftLeft(count, 31)));
}

Value emitSin(FloatBuilder &f, Value x) { return emitSine(f, x, 0.0f); }

Value emitCos(FloatBuilder &f, Value x) { return emitSine(f, x, 0.5f); }

} // namespace fairway
