//===- CompareMaxima.cpp - all are minus infinity if their maximum is -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

#include "mlir/IR/Matchers.h"

namespace fairway {
#define GEN_PASS_DEF_COMPAREMAXIMA
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

static bool isReductionOfOne(linalg::GenericOp op) {
  return op.getNumReductionLoops() > 0 && op.getNumDpsInputs() == 1 &&
         op.getNumDpsInits() == 1;
}

/// Whether `op` tells if all elements of a row are minus infinity, as a byte.
static bool comparesAll(linalg::GenericOp op) {
  auto init = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!init || !matchPattern(init.getInputs()[0], m_One()))
    return false;
  Block *body = op.getBody();
  auto widen =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::ExtUIOp>();
  auto both =
      widen ? widen.getIn().getDefiningOp<arith::AndIOp>() : arith::AndIOp();
  if (!both)
    return false;
  Value compared = both.getLhs(), before = both.getRhs();
  if (!compared.getDefiningOp<arith::CmpFOp>())
    std::swap(compared, before);
  auto compare = compared.getDefiningOp<arith::CmpFOp>();
  auto narrow = before.getDefiningOp<arith::TruncIOp>();
  if (!compare || !narrow || narrow.getIn() != body->getArgument(1) ||
      compare.getPredicate() != arith::CmpFPredicate::OEQ ||
      !matchPattern(compare.getRhs(), m_NegInfFloat()))
    return false;
  // In a wider type it is the same question.
  Value element = compare.getLhs();
  if (auto extend = element.getDefiningOp<arith::ExtFOp>())
    element = extend.getIn();
  return element == body->getArgument(0);
}

static bool isMaximum(linalg::GenericOp op) {
  auto init = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!init || !matchPattern(init.getInputs()[0], m_NegInfFloat()) ||
      op.getBody()->getOperations().size() != 2)
    return false;
  auto maximum = dyn_cast<arith::MaximumFOp>(op.getBody()->front());
  return maximum && maximum.getLhs() != maximum.getRhs() &&
         llvm::all_of(maximum->getOperands(),
                      [](Value v) { return isa<BlockArgument>(v); });
}

/// The maximum, already computed before `op`, of the rows that `op` looks at.
static linalg::GenericOp findMaximum(linalg::GenericOp op) {
  for (Operation *user : op.getDpsInputs()[0].getUsers()) {
    auto other = dyn_cast<linalg::GenericOp>(user);
    if (other && other != op && isReductionOfOne(other) && isMaximum(other) &&
        other->getBlock() == op->getBlock() && other->isBeforeInBlock(op) &&
        other.getIndexingMapsArray() == op.getIndexingMapsArray() &&
        other.getIteratorTypesArray() == op.getIteratorTypesArray())
      return other;
  }
  return {};
}

namespace {
struct CompareMaxima : public fairway::impl::CompareMaximaBase<CompareMaxima> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isReductionOfOne(op) && comparesAll(op))
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops)
      if (linalg::GenericOp maximum = findMaximum(op))
        replace(op, maximum.getResult(0));
  }

  static void replace(linalg::GenericOp op, Value maximum) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    auto element = cast<RankedTensorType>(maximum.getType()).getElementType();
    Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                          type.getElementType());
    AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    auto compared = linalg::GenericOp::create(
        builder, loc, TypeRange{type}, ValueRange{maximum}, ValueRange{empty},
        ArrayRef<AffineMap>{identity, identity}, loops,
        [&](OpBuilder &b, Location l, ValueRange args) {
          auto infinity = b.getFloatAttr(
              element, APFloat::getInf(
                           cast<FloatType>(element).getFloatSemantics(), true));
          Value bound = arith::ConstantOp::create(b, l, infinity);
          Value equal = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ,
                                              args[0], bound);
          Value byte =
              arith::ExtUIOp::create(b, l, type.getElementType(), equal);
          linalg::YieldOp::create(b, l, byte);
        });
    op.getResult(0).replaceAllUsesWith(compared.getResult(0));
    op->erase();
  }
};
} // namespace
