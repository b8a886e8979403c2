//===- Access.cpp - how an operand walks along a loop ---------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Access.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fairway {

/// True if `expr` is `dim` plus terms that do not use `dim`.
static bool hasUnitCoefficient(AffineExpr expr, unsigned dim) {
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return d.getPosition() == dim;
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return false;
  bool left = sum.getLHS().isFunctionOfDim(dim);
  bool right = sum.getRHS().isFunctionOfDim(dim);
  if (left == right)
    return false;
  return hasUnitCoefficient(left ? sum.getLHS() : sum.getRHS(), dim);
}

Walk classifyWalk(AffineMap map, MemRefType type, unsigned dim) {
  unsigned uses = 0;
  for (AffineExpr result : map.getResults())
    uses += result.isFunctionOfDim(dim);
  if (uses == 0)
    return Walk::Invariant;
  if (uses > 1 || !hasUnitCoefficient(map.getResults().back(), dim))
    return Walk::Strided;
  int64_t offset;
  SmallVector<int64_t> strides;
  if (failed(type.getStridesAndOffset(strides, offset)) || strides.back() != 1)
    return Walk::Strided;
  return Walk::Contiguous;
}

Walk walkOf(linalg::GenericOp op, OpOperand &operand, unsigned dim) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return Walk::Invariant;
  return classifyWalk(op.getMatchingIndexingMap(&operand), type, dim);
}

bool readsOperand(linalg::GenericOp op, unsigned index) {
  return !op.getBlock()->getArgument(index).use_empty();
}

/// The value that `kind` leaves every other value unchanged with.
static TypedAttr neutralElement(vector::CombiningKind kind, Type type) {
  OpBuilder b(type.getContext());
  auto floating = dyn_cast<FloatType>(type);
  unsigned width = type.getIntOrFloatBitWidth();
  auto integer = [&](const APInt &value) {
    return b.getIntegerAttr(type, value);
  };
  switch (kind) {
  case vector::CombiningKind::ADD:
  case vector::CombiningKind::OR:
  case vector::CombiningKind::XOR:
  case vector::CombiningKind::MAXUI:
    // -0.0 is the neutral element of floating-point addition.
    if (floating)
      return b.getFloatAttr(
          type, APFloat::getZero(floating.getFloatSemantics(), true));
    return integer(APInt::getZero(width));
  case vector::CombiningKind::MUL:
    return floating ? TypedAttr(b.getFloatAttr(type, 1.0))
                    : TypedAttr(integer(APInt(width, 1)));
  case vector::CombiningKind::AND:
  case vector::CombiningKind::MINUI:
    return integer(APInt::getAllOnes(width));
  case vector::CombiningKind::MAXSI:
    return integer(APInt::getSignedMinValue(width));
  case vector::CombiningKind::MINSI:
    return integer(APInt::getSignedMaxValue(width));
  case vector::CombiningKind::MAXIMUMF:
  case vector::CombiningKind::MAXNUMF:
    return b.getFloatAttr(type,
                          APFloat::getInf(floating.getFloatSemantics(), true));
  case vector::CombiningKind::MINIMUMF:
  case vector::CombiningKind::MINNUMF:
    return b.getFloatAttr(type, APFloat::getInf(floating.getFloatSemantics()));
  }
  return {};
}

std::optional<Combiner> matchCombiner(linalg::GenericOp op, unsigned index) {
  Block *body = op.getBlock();
  Value acc = body->getArgument(op.getNumDpsInputs() + index);
  Operation *last = body->getTerminator()->getOperand(index).getDefiningOp();
  if (!last || last->getBlock() != body || last->getNumOperands() != 2 ||
      last->getNumResults() != 1 || !acc.hasOneUse() ||
      !last->getResult(0).hasOneUse() ||
      !llvm::is_contained(last->getOperands(), acc) ||
      !last->getResult(0).getType().isIntOrFloat())
    return std::nullopt;
  using Kind = vector::CombiningKind;
  std::optional<Kind> kind =
      TypeSwitch<Operation *, std::optional<Kind>>(last)
          .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Kind::ADD; })
          .Case<arith::MulFOp, arith::MulIOp>([](auto) { return Kind::MUL; })
          .Case([](arith::MaximumFOp) { return Kind::MAXIMUMF; })
          .Case([](arith::MinimumFOp) { return Kind::MINIMUMF; })
          .Case([](arith::MaxNumFOp) { return Kind::MAXNUMF; })
          .Case([](arith::MinNumFOp) { return Kind::MINNUMF; })
          .Case([](arith::MaxSIOp) { return Kind::MAXSI; })
          .Case([](arith::MinSIOp) { return Kind::MINSI; })
          .Case([](arith::MaxUIOp) { return Kind::MAXUI; })
          .Case([](arith::MinUIOp) { return Kind::MINUI; })
          .Case([](arith::AndIOp) { return Kind::AND; })
          .Case([](arith::OrIOp) { return Kind::OR; })
          .Case([](arith::XOrIOp) { return Kind::XOR; })
          .Default(std::nullopt);
  if (!kind)
    return std::nullopt;
  return Combiner{last, neutralElement(*kind, last->getResult(0).getType()),
                  *kind};
}

} // namespace fairway
