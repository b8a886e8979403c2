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

namespace {
/// An op that divides weights by their sum, perhaps except for rows where that
/// is no number.
struct Normalization {
  linalg::GenericOp op;
  unsigned weights, divisor; ///< its operands
};
} // namespace

/// What the body divides by what, if it yields that or, where a value says so
/// that the numerator has no part in, zero.
static arith::DivFOp getQuotient(linalg::GenericOp op) {
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  auto choice = yielded.getDefiningOp<arith::SelectOp>();
  if (choice) {
    yielded = choice.getFalseValue();
    if (!matchPattern(choice.getTrueValue(), m_AnyZeroFloat()))
      return {};
  }
  auto divide = yielded.getDefiningOp<arith::DivFOp>();
  if (!divide || !divide->hasOneUse() || !isa<BlockArgument>(divide.getLhs()) ||
      !isa<BlockArgument>(divide.getRhs()) || !divide.getLhs().hasOneUse())
    return {};
  return divide;
}

static std::optional<Normalization> getNormalization(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || !isElementwise(op) || !op->hasOneUse())
    return std::nullopt;
  arith::DivFOp divide = getQuotient(op);
  if (!divide)
    return std::nullopt;
  Normalization found{op, cast<BlockArgument>(divide.getLhs()).getArgNumber(),
                      cast<BlockArgument>(divide.getRhs()).getArgNumber()};
  if (found.weights >= op.getNumDpsInputs() ||
      found.divisor >= op.getNumDpsInputs() ||
      !op.getMatchingIndexingMap(op.getDpsInputOperand(found.weights))
           .isIdentity() ||
      !op.getBody()->getArguments().back().use_empty() ||
      !op.getBody()->getOps<linalg::IndexOp>().empty() ||
      !llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
        return op.getMatchingIndexingMap(input).isProjectedPermutation();
      }))
    return std::nullopt;
  // Weights that are exponentials of what is at most zero: not more than one
  // each, so their products cannot overflow before the division.
  Value weights = op.getDpsInputs()[found.weights];
  auto producer = weights.getDefiningOp<linalg::GenericOp>();
  if (!producer || !isSumOf(op.getDpsInputs()[found.divisor], weights) ||
      !producer.getBody()
           ->getTerminator()
           ->getOperand(0)
           .getDefiningOp<math::ExpOp>())
    return std::nullopt;
  return found;
}

/// The place of a divisor, or of what else is the same for a row, in the
/// contraction's result: its map from the result's dimensions; null if it
/// differs along a reduction.
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
    std::optional<Normalization> division = getNormalization(operand.get());
    // What is added to an initial value must be divided before.
    auto init = contraction.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
    if (!division || !init ||
        !matchPattern(init.getInputs()[0], m_AnyZeroFloat()))
      return;
    linalg::GenericOp op = division->op;
    OpBuilder builder(contraction);
    auto type = cast<RankedTensorType>(contraction.getResult(0).getType());
    AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
    SmallVector<AffineMap> maps;
    SmallVector<Value> inputs(op.getDpsInputs());
    for (auto [number, input] : llvm::enumerate(op.getDpsInputOperands())) {
      maps.push_back(number == division->weights
                         ? identity
                         : mapDivisor(contraction, operand,
                                      op.getMatchingIndexingMap(input)));
      if (!maps.back())
        return;
    }
    maps.push_back(identity);
    operand.set(inputs[division->weights]);
    inputs[division->weights] = contraction.getResult(0);

    builder.setInsertionPointAfter(contraction);
    Location loc = op.getLoc();
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                          type.getElementType());
    auto deferred = linalg::GenericOp::create(
        builder, loc, TypeRange{type}, inputs, ValueRange{empty}, maps, loops);
    deferred.getRegion().takeBody(op.getRegion());
    contraction.getResult(0).replaceAllUsesExcept(deferred.getResult(0),
                                                  deferred);
    op->erase();
    ++numDeferred;
  }
};
} // namespace
