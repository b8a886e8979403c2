//===- DemoteStatistics.cpp - variances stay in single precision ----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_DEMOTESTATISTICS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// What a generic with a body of one operation and its yield computes.
template <typename OpTy> static OpTy getOnlyOp(linalg::GenericOp op) {
  Block &body = *op.getBody();
  if (body.getOperations().size() != 2)
    return {};
  auto inner = dyn_cast<OpTy>(body.front());
  if (!inner || body.getTerminator()->getOperands() != inner->getResults())
    return {};
  return inner;
}

/// The generic behind `value`, looking through views.
static linalg::GenericOp getProducer(Value value) {
  while (isReshape(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value.getDefiningOp<linalg::GenericOp>();
}

/// True if the op converts each element of its operand, in place.
template <typename CastOp> static bool isConversion(linalg::GenericOp op) {
  return op && isElementwise(op) && op.getNumDpsInputs() == 1 &&
         op.getMatchingIndexingMap(op.getDpsInputOperand(0)).isIdentity() &&
         getOnlyOp<CastOp>(op);
}

namespace {
/// Recognises `truncate(f(sum((x - sum(x) / n)^2)))` with `x` extended from
/// single precision, where `f` scales and takes roots.
class VarianceMatcher {
public:
  bool match(linalg::GenericOp truncation);

  /// The double precision ops, and the views between them.
  llvm::SetVector<Operation *> members;

private:
  linalg::GenericOp take(Value value);
  linalg::GenericOp skipScales(linalg::GenericOp op);
  bool isSum(linalg::GenericOp op) const;
};
} // namespace

/// The producer of `value`; it and the views before it become members.
linalg::GenericOp VarianceMatcher::take(Value value) {
  while (isReshape(value.getDefiningOp())) {
    members.insert(value.getDefiningOp());
    value = value.getDefiningOp()->getOperand(0);
  }
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (op)
    members.insert(op);
  return op;
}

/// Goes from `op` up past divisions by constants and square roots.
linalg::GenericOp VarianceMatcher::skipScales(linalg::GenericOp op) {
  while (op && isElementwise(op) && op.getNumDpsInputs() == 1) {
    auto divide = getOnlyOp<arith::DivFOp>(op);
    bool scales = divide && divide.getLhs() == op.getBody()->getArgument(0) &&
                  matchPattern(divide.getRhs(), m_Constant());
    if (!scales && !getOnlyOp<math::SqrtOp>(op))
      return op;
    op = take(op.getDpsInputs()[0]);
  }
  return op;
}

bool VarianceMatcher::isSum(linalg::GenericOp op) const {
  if (!op || op.getNumDpsInputs() != 1 || op.getNumReductionLoops() == 0 ||
      op.getNumResults() != 1)
    return false;
  auto add = getOnlyOp<arith::AddFOp>(op);
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  return add && add.getLhs() != add.getRhs() && fill &&
         matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) &&
         llvm::all_of(add->getOperands(),
                      [](Value v) { return isa<BlockArgument>(v); });
}

bool VarianceMatcher::match(linalg::GenericOp truncation) {
  linalg::GenericOp squares = skipScales(take(truncation.getDpsInputs()[0]));
  if (!isSum(squares))
    return false;
  linalg::GenericOp square = take(squares.getDpsInputs()[0]);
  if (!square || !isElementwise(square) || !getOnlyOp<arith::MulFOp>(square))
    return false;
  auto multiply = getOnlyOp<arith::MulFOp>(square);
  for (Value factor : multiply->getOperands()) {
    auto arg = dyn_cast<BlockArgument>(factor);
    if (!arg ||
        square->getOperand(arg.getArgNumber()) != square.getDpsInputs()[0])
      return false;
  }
  linalg::GenericOp centered = take(square.getDpsInputs()[0]);
  if (!centered || !isElementwise(centered) || centered.getNumDpsInputs() != 2)
    return false;
  auto subtract = getOnlyOp<arith::SubFOp>(centered);
  if (!subtract || subtract.getLhs() != centered.getBody()->getArgument(0) ||
      subtract.getRhs() != centered.getBody()->getArgument(1))
    return false;
  linalg::GenericOp extended = getProducer(centered.getDpsInputs()[0]);
  linalg::GenericOp sum = skipScales(take(centered.getDpsInputs()[1]));
  if (!isConversion<arith::ExtFOp>(extended) ||
      !getElementTypeOrSelf(extended.getDpsInputs()[0]).isF32() ||
      !isSum(sum) || getProducer(sum.getDpsInputs()[0]) != extended)
    return false;
  // Nobody else may want the doubles.
  return llvm::all_of(members, [&](Operation *op) {
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      return user == truncation || members.contains(user) ||
             isConversion<arith::TruncFOp>(dyn_cast<linalg::GenericOp>(user));
    });
  });
}

namespace {
/// Writes the members anew in single precision.
class Demoter {
public:
  explicit Demoter(OpBuilder &builder) : b(builder) {}
  Value demote(Value value);

private:
  Type demote(Type type) const;
  void convertBody(linalg::GenericOp op);

  OpBuilder &b;
  llvm::DenseMap<Value, Value> demoted;
};
} // namespace

Type Demoter::demote(Type type) const {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.clone(demote(tensor.getElementType()));
  return type.isF64() ? b.getF32Type() : type;
}

/// The body of `op`, copied from double precision: constants and types follow.
void Demoter::convertBody(linalg::GenericOp op) {
  Block *body = op.getBody();
  for (BlockArgument arg : body->getArguments())
    arg.setType(demote(arg.getType()));
  OpBuilder::InsertionGuard guard(b);
  for (Operation &inner : *body) {
    b.setInsertionPoint(&inner);
    for (OpOperand &operand : inner.getOpOperands()) {
      FloatAttr constant;
      if (!matchPattern(operand.get(), m_Constant(&constant)) ||
          !constant.getType().isF64())
        continue;
      operand.set(arith::ConstantOp::create(
          b, op.getLoc(), b.getF32FloatAttr(constant.getValueAsDouble())));
    }
    for (Value result : inner.getResults())
      result.setType(demote(result.getType()));
  }
}

Value Demoter::demote(Value value) {
  if (Value known = demoted.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  auto generic = dyn_cast<linalg::GenericOp>(op);
  Value result;
  if (isConversion<arith::ExtFOp>(generic)) {
    result = generic.getDpsInputs()[0];
  } else if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    // Only zeros are filled in (see isSum).
    Value zero =
        arith::ConstantOp::create(b, op->getLoc(), b.getF32FloatAttr(0));
    result = linalg::FillOp::create(b, op->getLoc(), zero,
                                    demote(fill.getOutputs()[0]))
                 .getResult(0);
  } else {
    IRMapping mapping;
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        mapping.map(operand, demote(operand));
    Operation *clone = b.clone(*op, mapping);
    clone->getResult(0).setType(demote(value.getType()));
    if (auto copy = dyn_cast<linalg::GenericOp>(clone))
      convertBody(copy);
    result = clone->getResult(0);
  }
  demoted[value] = result;
  return result;
}

namespace {
struct DemoteStatistics
    : public fairway::impl::DemoteStatisticsBase<DemoteStatistics> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> truncations;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isConversion<arith::TruncFOp>(op) &&
          getElementTypeOrSelf(op.getResult(0)).isF32() &&
          getElementTypeOrSelf(op.getDpsInputs()[0]).isF64())
        truncations.push_back(op);
    });
    for (linalg::GenericOp truncation : truncations) {
      VarianceMatcher matcher;
      if (!matcher.match(truncation))
        continue;
      OpBuilder builder(truncation);
      Value single = Demoter(builder).demote(truncation.getDpsInputs()[0]);
      truncation.getResult(0).replaceAllUsesWith(single);
      ++numDemoted;
    }
  }
};
} // namespace
