//===- FoldTranspositions.cpp - contractions read and write any order -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_FOLDTRANSPOSITIONS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// The innermost dimension of what `op` writes: its vectors lie along it.
static AffineExpr getVectorLoop(linalg::GenericOp op) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (map.getNumResults() == 0)
    return {};
  return map.getResults().back();
}

static void setMap(linalg::GenericOp op, OpOperand &operand, AffineMap map) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps[operand.getOperandNumber()] = map;
  op.setIndexingMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
}

/// An operand whose elements are broadcast to vectors may lie in any order: it
/// is read where it was before it was transposed.
static bool foldIntoOperand(linalg::GenericOp op, OpOperand &operand) {
  auto copy = operand.get().getDefiningOp<linalg::GenericOp>();
  if (!copy || !isElementwise(copy) || !isCopy(copy) ||
      copy.getNumDpsInputs() != 1)
    return false;
  AffineMap read = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  AffineMap map = op.getMatchingIndexingMap(&operand);
  AffineExpr vectors = getVectorLoop(op);
  if (!read.isPermutation() || read.isIdentity() ||
      !map.isProjectedPermutation() || !vectors ||
      map.getResultPosition(vectors))
    return false;
  operand.set(copy.getDpsInputs()[0]);
  setMap(op, operand, read.compose(map));
  if (copy->use_empty())
    copy->erase();
  return true;
}

/// A contraction with one consumer writes in the order in which that reads,
/// unless its vectors would no longer lie along the innermost dimension.
static bool foldIntoResult(linalg::GenericOp op) {
  if (!op->hasOneUse())
    return false;
  OpOperand &use = *op->getUses().begin();
  auto consumer = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!consumer || !isElementwise(consumer) || consumer.isDpsInit(&use))
    return false;
  AffineMap read = consumer.getMatchingIndexingMap(&use);
  unsigned rank = read.getNumResults();
  if (!read.isPermutation() || read.isIdentity() ||
      read.getDimPosition(rank - 1) != rank - 1)
    return false;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill)
    return false;
  // Dimension i of the result becomes dimension read[i].
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  AffineMap written = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  SmallVector<int64_t> shape(rank);
  SmallVector<AffineExpr> exprs(rank);
  for (unsigned i = 0; i < rank; ++i) {
    shape[read.getDimPosition(i)] = type.getDimSize(i);
    exprs[read.getDimPosition(i)] = written.getResult(i);
  }
  OpBuilder builder(op);
  Value empty = tensor::EmptyOp::create(builder, op.getLoc(), shape,
                                        type.getElementType());
  Value init = linalg::FillOp::create(builder, op.getLoc(), fill.getInputs(),
                                      ValueRange{empty})
                   .getResult(0);
  OpOperand &initOperand = *op.getDpsInitOperand(0);
  initOperand.set(init);
  op.getResult(0).setType(cast<RankedTensorType>(init.getType()));
  setMap(op, initOperand,
         AffineMap::get(op.getNumLoops(), 0, exprs, op.getContext()));
  setMap(consumer, use, builder.getMultiDimIdentityMap(rank));
  return true;
}

namespace {
struct FoldTranspositions
    : public fairway::impl::FoldTranspositionsBase<FoldTranspositions> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> contractions;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isMultiplyAccumulate(op) && !hasWindow(op))
        contractions.push_back(op);
    });
    for (linalg::GenericOp op : contractions) {
      numFolded += foldIntoResult(op);
      for (OpOperand *operand : op.getDpsInputOperands())
        numFolded += foldIntoOperand(op, *operand);
    }
  }
};
} // namespace
