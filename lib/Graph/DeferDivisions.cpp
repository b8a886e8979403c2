//===- DeferDivisions.cpp - weighted means divide last --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_DEFERDIVISIONS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// True if `sum` adds up `value` along loops of its own.
static bool isSumOf(Value sum, Value value) {
  auto op = sum.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getDpsInputs()[0] != value ||
      op.getNumReductionLoops() == 0 ||
      op.getBody()->getOperations().size() != 2)
    return false;
  auto add = dyn_cast<arith::AddFOp>(op.getBody()->front());
  return add && add.getLhs() != add.getRhs() &&
         llvm::all_of(add->getOperands(),
                      [](Value v) { return isa<BlockArgument>(v); });
}

/// The weights that `op` divides by their sum: its operands, or null.
static linalg::GenericOp getNormalization(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || !isElementwise(op) || !op->hasOneUse() ||
      op.getNumDpsInputs() != 2 || op.getBody()->getOperations().size() != 2 ||
      !op.getMatchingIndexingMap(op.getDpsInputOperand(0)).isIdentity() ||
      !op.getMatchingIndexingMap(op.getDpsInputOperand(1))
           .isProjectedPermutation())
    return {};
  auto divide = dyn_cast<arith::DivFOp>(op.getBody()->front());
  if (!divide || divide.getLhs() != op.getBody()->getArgument(0) ||
      divide.getRhs() != op.getBody()->getArgument(1))
    return {};
  // Weights that are exponentials of what is at most zero: not more than one
  // each, so their products cannot overflow before the division.
  Value weights = op.getDpsInputs()[0];
  auto producer = weights.getDefiningOp<linalg::GenericOp>();
  if (!producer || !isSumOf(op.getDpsInputs()[1], weights) ||
      !producer.getBody()
           ->getTerminator()
           ->getOperand(0)
           .getDefiningOp<math::ExpOp>())
    return {};
  return op;
}

/// The divisor's place in the contraction's result: its map from the result's
/// dimensions; null if it differs along a reduction.
static AffineMap mapDivisor(linalg::GenericOp contraction, OpOperand &operand,
                            AffineMap divisor) {
  AffineMap read = contraction.getMatchingIndexingMap(&operand);
  AffineMap written =
      contraction.getMatchingIndexingMap(contraction.getDpsInitOperand(0));
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : divisor.getResults()) {
    AffineExpr loop = read.getResult(cast<AffineDimExpr>(expr).getPosition());
    auto position = written.getResultPosition(loop);
    if (!position)
      return {};
    exprs.push_back(getAffineDimExpr(*position, contraction.getContext()));
  }
  return AffineMap::get(written.getNumResults(), 0, exprs,
                        contraction.getContext());
}

namespace {
struct DeferDivisions
    : public fairway::impl::DeferDivisionsBase<DeferDivisions> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> contractions;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isMultiplyAccumulate(op) && !hasWindow(op))
        contractions.push_back(op);
    });
    for (linalg::GenericOp op : contractions)
      for (OpOperand *operand : op.getDpsInputOperands())
        defer(op, *operand);
  }

  void defer(linalg::GenericOp contraction, OpOperand &operand) {
    linalg::GenericOp division = getNormalization(operand.get());
    // What is added to an initial value must be divided before.
    auto init = contraction.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
    if (!division || !init ||
        !matchPattern(init.getInputs()[0], m_AnyZeroFloat()))
      return;
    AffineMap place = mapDivisor(
        contraction, operand,
        division.getMatchingIndexingMap(division.getDpsInputOperand(1)));
    if (!place)
      return;
    Value weights = division.getDpsInputs()[0];
    Value divisor = division.getDpsInputs()[1];
    operand.set(weights);

    OpBuilder builder(contraction);
    builder.setInsertionPointAfter(contraction);
    Location loc = division.getLoc();
    auto type = cast<RankedTensorType>(contraction.getResult(0).getType());
    AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                          type.getElementType());
    auto deferred = linalg::GenericOp::create(
        builder, loc, TypeRange{type},
        ValueRange{contraction.getResult(0), divisor}, ValueRange{empty},
        ArrayRef<AffineMap>{identity, place, identity}, loops,
        [](OpBuilder &b, Location l, ValueRange args) {
          Value quotient = arith::DivFOp::create(b, l, args[0], args[1]);
          linalg::YieldOp::create(b, l, quotient);
        });
    contraction.getResult(0).replaceAllUsesExcept(deferred.getResult(0),
                                                  deferred);
    division->erase();
    ++numDeferred;
  }
};
} // namespace
