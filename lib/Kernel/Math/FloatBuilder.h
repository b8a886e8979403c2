//===- FloatBuilder.h - single-precision arithmetic, briefly --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_MATH_FLOATBUILDER_H
#define FAIRWAY_LIB_KERNEL_MATH_FLOATBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace fairway {

/// Builds arithmetic on values of one shape: a scalar or a vector of f32, its
/// bits as i32, or the same in f64. None of it may be reassociated, and
/// multiplications and additions fuse only where `fma` says so.
class FloatBuilder {
public:
  using Value = mlir::Value;

  FloatBuilder(mlir::OpBuilder &b, mlir::Location loc, mlir::Type shape)
      : b(b), loc(loc), shape(shape) {}

  Value f32(float value) { return constant(b.getF32FloatAttr(value)); }
  Value f64(double value) { return constant(b.getF64FloatAttr(value)); }
  Value i32(uint32_t value) {
    return constant(b.getI32IntegerAttr(int32_t(value)));
  }

  Value add(Value x, Value y) { return make<mlir::arith::AddFOp>(x, y); }
  Value sub(Value x, Value y) { return make<mlir::arith::SubFOp>(x, y); }
  Value mul(Value x, Value y) { return make<mlir::arith::MulFOp>(x, y); }
  Value div(Value x, Value y) { return make<mlir::arith::DivFOp>(x, y); }
  Value fma(Value x, Value y, Value z) {
    return make<mlir::math::FmaOp>(x, y, z);
  }
  Value neg(Value x) { return make<mlir::arith::NegFOp>(x); }
  Value abs(Value x) { return make<mlir::math::AbsFOp>(x); }
  Value roundEven(Value x) { return make<mlir::math::RoundEvenOp>(x); }
  Value copySign(Value magnitude, Value sign) {
    return make<mlir::math::CopySignOp>(magnitude, sign);
  }

  Value addBits(Value x, Value y) { return make<mlir::arith::AddIOp>(x, y); }
  Value subBits(Value x, Value y) { return make<mlir::arith::SubIOp>(x, y); }
  Value andBits(Value x, Value y) { return make<mlir::arith::AndIOp>(x, y); }
  Value orBits(Value x, Value y) { return make<mlir::arith::OrIOp>(x, y); }
  Value xorBits(Value x, Value y) { return make<mlir::arith::XOrIOp>(x, y); }
  Value shiftLeft(Value x, unsigned count) {
    return make<mlir::arith::ShLIOp>(x, i32(count));
  }
  Value shiftRight(Value x, unsigned count) {
    return make<mlir::arith::ShRSIOp>(x, i32(count));
  }

  Value bits(Value x) {
    return cast<mlir::arith::BitcastOp>(x, b.getI32Type());
  }
  Value fromBits(Value x) {
    return cast<mlir::arith::BitcastOp>(x, b.getF32Type());
  }
  Value toFloat(Value x) {
    return cast<mlir::arith::SIToFPOp>(x, b.getF32Type());
  }
  Value toInteger(Value x) {
    return cast<mlir::arith::FPToSIOp>(x, b.getI32Type());
  }
  Value widen(Value x) { return cast<mlir::arith::ExtFOp>(x, b.getF64Type()); }
  Value narrow(Value x) {
    return cast<mlir::arith::TruncFOp>(x, b.getF32Type());
  }

  /// Comparisons are false where an operand is NaN.
  Value less(Value x, Value y) {
    return compare(mlir::arith::CmpFPredicate::OLT, x, y);
  }
  Value equal(Value x, Value y) {
    return compare(mlir::arith::CmpFPredicate::OEQ, x, y);
  }
  Value negative(Value bits) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::slt,
                                       bits, i32(0));
  }
  Value select(Value condition, Value x, Value y) {
    return make<mlir::arith::SelectOp>(condition, x, y);
  }

  /// The smaller or larger of a bound and `x`, and NaN for NaN: one instruction
  /// on x86, where `arith.minimumf` takes several.
  Value atMost(float bound, Value x) {
    Value c = f32(bound);
    return select(less(c, x), c, x);
  }
  Value atLeast(float bound, Value x) {
    Value c = f32(bound);
    return select(less(x, c), c, x);
  }

  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(llvm::ArrayRef<float> c, Value x) {
    Value result = f32(c.back());
    for (float coefficient : llvm::reverse(c.drop_back()))
      result = fma(result, x, f32(coefficient));
    return result;
  }

  /// `element` in this builder's shape.
  mlir::Type typeOf(mlir::Type element) {
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(shape))
      return vector.clone(element);
    return element;
  }

  mlir::OpBuilder &b;
  mlir::Location loc;

private:
  template <typename Op, typename... Args> Value make(Args... operands) {
    return Op::create(b, loc, operands...);
  }
  template <typename Op> Value cast(Value x, mlir::Type element) {
    return Op::create(b, loc, typeOf(element), x);
  }
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y) {
    return mlir::arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value constant(mlir::TypedAttr value) {
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(shape))
      value = mlir::DenseElementsAttr::get(vector.clone(value.getType()),
                                           mlir::Attribute(value));
    return mlir::arith::ConstantOp::create(b, loc, value);
  }

  mlir::Type shape;
};

/// What is added to round a small float to an integer, which is then in the
/// lowest bits of the sum (1.5 * 2^23).
inline constexpr float kRound = 0x1.8p23f;
inline constexpr uint32_t kSignBit = 0x80000000;
/// ln 2 in two parts; the first has zeros to spare, so that its product with an
/// exponent is exact.
inline constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_MATH_FLOATBUILDER_H
