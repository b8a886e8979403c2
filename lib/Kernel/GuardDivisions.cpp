//===- GuardDivisions.cpp - divisors that the processor would trap on -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/TypeSwitch.h"

namespace fairway {
#define GEN_PASS_DEF_GUARDDIVISIONS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// Positions in a tensor are divided by what the compiler knows.
static bool isOfData(Operation *op) {
  return op->getNumResults() == 1 &&
         getElementTypeOrSelf(op->getResult(0).getType()).isInteger();
}

static Value constant(OpBuilder &b, Location loc, Type type, int64_t value) {
  return arith::ConstantOp::create(
      b, loc,
      isa<ShapedType>(type)
          ? cast<TypedAttr>(DenseElementsAttr::get(
                cast<ShapedType>(type),
                b.getIntegerAttr(getElementTypeOrSelf(type), value)))
          : cast<TypedAttr>(b.getIntegerAttr(type, value)));
}

/// Whether a divisor is a constant that is neither zero nor, as overflow is
/// one with a sign only, minus one.
static bool isHarmless(Value divisor, bool isSigned) {
  DenseIntElementsAttr elements;
  APInt one;
  auto harmless = [&](const APInt &value) {
    return !value.isZero() && !(isSigned && value.isAllOnes());
  };
  if (matchPattern(divisor, m_ConstantInt(&one)))
    return harmless(one);
  return matchPattern(divisor, m_Constant(&elements)) &&
         llvm::all_of(elements.getValues<APInt>(), harmless);
}

/// Divides by one instead of by zero or minus one, and selects what that gives.
template <typename Op> static void guard(Op op, bool isSigned, bool isRest) {
  Value divisor = op.getRhs();
  if (isHarmless(divisor, isSigned))
    return;
  OpBuilder b(op);
  Location loc = op.getLoc();
  Type type = divisor.getType();
  Value zero = constant(b, loc, type, 0), one = constant(b, loc, type, 1);
  auto equals = [&](int64_t value) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, divisor,
                                 constant(b, loc, type, value));
  };
  Value isZero = equals(0), isMinusOne, traps = isZero;
  if (isSigned) {
    isMinusOne = equals(-1);
    traps = arith::OrIOp::create(b, loc, isZero, isMinusOne);
  }
  op.getRhsMutable().assign(
      arith::SelectOp::create(b, loc, traps, one, divisor));
  if (isRest)
    return; // By one, nothing is left.
  b.setInsertionPointAfter(op);
  Value result = op.getResult();
  llvm::SmallPtrSet<Operation *, 4> own = {op};
  if (isSigned) {
    Value negated = arith::SubIOp::create(b, loc, zero, op.getLhs());
    result = arith::SelectOp::create(b, loc, isMinusOne, negated, result);
    own.insert(result.getDefiningOp());
  }
  result = arith::SelectOp::create(b, loc, isZero, zero, result);
  own.insert(result.getDefiningOp());
  op.getResult().replaceAllUsesExcept(result, own);
}

namespace {
struct GuardDivisionsPass
    : public fairway::impl::GuardDivisionsBase<GuardDivisionsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> rounded, divisions;
    getOperation().walk([&](Operation *op) {
      if (isa<arith::FloorDivSIOp, arith::CeilDivSIOp, arith::CeilDivUIOp>(
              op) &&
          isOfData(op))
        rounded.push_back(op);
    });
    RewritePatternSet patterns(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    if (!rounded.empty() &&
        failed(applyOpPatternsGreedily(rounded, std::move(patterns))))
      return signalPassFailure();

    getOperation().walk([&](Operation *op) {
      if (isOfData(op))
        divisions.push_back(op);
    });
    for (Operation *op : divisions)
      TypeSwitch<Operation *>(op)
          .Case([](arith::DivSIOp op) { guard(op, true, false); })
          .Case([](arith::DivUIOp op) { guard(op, false, false); })
          .Case([](arith::RemSIOp op) { guard(op, true, true); })
          .Case([](arith::RemUIOp op) { guard(op, false, true); });
  }
};
} // namespace
