//===- MatchGelu.cpp - GELU as models spell it ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// Sums and products are read as polynomials, so that no spelling needs a
/// pattern of its own.
///
//===----------------------------------------------------------------------===//
#include "MatchGelu.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace fairway {

namespace {

/// A polynomial in x up to the third power and t up to the first:
/// `at[i][j]` is the coefficient of x^i t^j.
struct Polynomial {
  double at[4][2] = {};

  static Polynomial power(unsigned i, unsigned j, double factor = 1) {
    Polynomial p;
    p.at[i][j] = factor;
    return p;
  }

  /// This plus `factor` times `other`.
  Polynomial plus(const Polynomial &other, double factor = 1) const {
    Polynomial p = *this;
    for (unsigned i = 0; i < 4; ++i)
      for (unsigned j = 0; j < 2; ++j)
        p.at[i][j] += factor * other.at[i][j];
    return p;
  }

  /// None where a power is too high.
  std::optional<Polynomial> times(const Polynomial &other) const {
    Polynomial p;
    for (unsigned i = 0; i < 4; ++i)
      for (unsigned j = 0; j < 2; ++j)
        for (unsigned k = 0; k < 4; ++k)
          for (unsigned l = 0; l < 2; ++l) {
            double product = at[i][j] * other.at[k][l];
            if (product == 0)
              continue;
            if (i + k > 3 || j + l > 1)
              return std::nullopt;
            p.at[i + k][j + l] += product;
          }
    return p;
  }

  /// Whether each coefficient is that of `other` but for its rounding.
  bool matches(const Polynomial &other, double tolerance) const {
    for (unsigned i = 0; i < 4; ++i)
      for (unsigned j = 0; j < 2; ++j)
        if (std::abs(at[i][j] - other.at[i][j]) >
            tolerance * std::abs(other.at[i][j]))
          return false;
    return true;
  }
};

/// Reads values as polynomials in `x` and, unless null, `t`.
struct Reader {
  Value x, t;

  std::optional<Polynomial> read(Value v, unsigned depth = 8) const {
    if (v == x)
      return Polynomial::power(1, 0);
    if (v == t)
      return Polynomial::power(0, 1);
    if (std::optional<double> constant = readConstant(v))
      return Polynomial::power(0, 0, *constant);
    Operation *op = v.getDefiningOp();
    if (!isa_and_nonnull<arith::AddFOp, arith::SubFOp, arith::MulFOp,
                         arith::DivFOp>(op) ||
        depth == 0)
      return std::nullopt;
    if (isa<arith::DivFOp>(op)) {
      auto divisor = readConstant(op->getOperand(1));
      auto dividend = read(op->getOperand(0), depth - 1);
      if (!dividend || !divisor || *divisor == 0)
        return std::nullopt;
      return Polynomial().plus(*dividend, 1 / *divisor);
    }
    auto left = read(op->getOperand(0), depth - 1);
    auto right = left ? read(op->getOperand(1), depth - 1) : std::nullopt;
    if (!right)
      return std::nullopt;
    if (isa<arith::MulFOp>(op))
      return left->times(*right);
    return left->plus(*right, isa<arith::SubFOp>(op) ? -1 : 1);
  }

  static std::optional<double> readConstant(Value v) {
    // PyTorch's constants are double, and their rounding is not folded.
    while (Operation *op = v.getDefiningOp()) {
      if (!isa<arith::TruncFOp, arith::ExtFOp, vector::BroadcastOp>(op))
        break;
      v = op->getOperand(0);
    }
    FloatAttr value;
    DenseFPElementsAttr values;
    if (matchPattern(v, m_Constant(&value)))
      return value.getValueAsDouble();
    if (matchPattern(v, m_Constant(&values)) && values.isSplat())
      return values.getSplatValue<FloatAttr>().getValueAsDouble();
    return std::nullopt;
  }
};

/// The erf or tanh among what `v` is the sum and product of.
Operation *findGate(Value v, unsigned depth) {
  Operation *op = v.getDefiningOp();
  if (isa_and_nonnull<math::ErfOp, math::TanhOp>(op))
    return op;
  if (depth == 0 || !isa_and_nonnull<arith::AddFOp, arith::MulFOp>(op))
    return nullptr;
  for (Value operand : op->getOperands())
    if (Operation *gate = findGate(operand, depth - 1))
      return gate;
  return nullptr;
}

/// The factors of `v`, and what these are products of.
void listFactors(Value v, SmallVectorImpl<Value> &factors, unsigned depth) {
  auto product = v.getDefiningOp<arith::MulFOp>();
  if (depth == 0 || !product)
    return;
  for (Value factor : product->getOperands()) {
    factors.push_back(factor);
    listFactors(factor, factors, depth - 1);
  }
}

} // namespace

std::optional<Gelu> matchGelu(arith::MulFOp root) {
  Operation *gate = findGate(root.getResult(), /*depth=*/4);
  if (!gate)
    return std::nullopt;
  bool byTanh = isa<math::TanhOp>(gate);
  // Constants are rounded to the type that the model computes in.
  Type element = getElementTypeOrSelf(root.getType());
  double tolerance = element.getIntOrFloatBitWidth() >= 32 ? 1e-6 : 1e-2;
  Polynomial gated =
      Polynomial::power(1, 0, 0.5).plus(Polynomial::power(1, 1, 0.5));
  Polynomial argument = Polynomial::power(1, 0, std::sqrt(0.5));
  if (byTanh) {
    double slope = std::sqrt(2 / M_PI);
    argument = Polynomial::power(1, 0, slope)
                   .plus(Polynomial::power(3, 0, slope * 0.044715));
  }
  SmallVector<Value> factors;
  listFactors(root.getResult(), factors, /*depth=*/3);
  for (Value x : factors) {
    auto whole = Reader{x, gate->getResult(0)}.read(root.getResult());
    if (!whole || !whole->matches(gated, tolerance))
      continue;
    auto inner = Reader{x, Value()}.read(gate->getOperand(0));
    if (inner && inner->matches(argument, tolerance))
      return Gelu{x, byTanh};
  }
  return std::nullopt;
}

} // namespace fairway
