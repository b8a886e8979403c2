//===- RaiseGathers.cpp - reads at the loops' own place are operands ------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fairway {
#define GEN_PASS_DEF_RAISEGATHERS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// Importers wrap indices around, `i < 0 ? i + n : i`, also where they are loop
/// counters, which never are negative.
struct FoldSignOfIndex : public OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &rewriter) const override {
    Value value = op.getLhs();
    if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      value = cast.getIn();
    if (!value.getDefiningOp<linalg::IndexOp>() ||
        !matchPattern(op.getRhs(), m_Zero()))
      return failure();
    bool negative = op.getPredicate() == arith::CmpIPredicate::slt;
    if (!negative && op.getPredicate() != arith::CmpIPredicate::sge)
      return failure();
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, rewriter.getBoolAttr(!negative));
    return success();
  }
};

/// The map from the loops of `op` to where `extract` in its body reads, without
/// dimensions of size one; null if that is computed otherwise.
static AffineMap getPlace(linalg::GenericOp op, tensor::ExtractOp extract) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<AffineExpr> exprs;
  for (auto [index, extent] : llvm::zip(
           extract.getIndices(), extract.getTensor().getType().getShape())) {
    if (extent == 1)
      continue;
    Value value = index;
    while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      value = cast.getIn();
    auto loop = value.getDefiningOp<linalg::IndexOp>();
    if (!loop || ShapedType::isDynamic(extent) ||
        sizes[loop.getDim()] != extent)
      return {};
    exprs.push_back(getAffineDimExpr(loop.getDim(), op.getContext()));
  }
  return AffineMap::get(op.getNumLoops(), 0, exprs, op.getContext());
}

/// `source` without its dimensions of size one.
static Value dropUnitDims(OpBuilder &b, Location loc, Value source) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<int64_t> shape;
  for (int64_t size : type.getShape())
    if (size != 1)
      shape.push_back(size);
  auto groups = getReassociationIndicesForCollapse(type.getShape(), shape);
  if (shape.size() == size_t(type.getRank()) || !groups)
    return source;
  return tensor::CollapseShapeOp::create(b, loc, type.clone(shape), source,
                                         *groups);
}

struct RaiseGather : public OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractOp extract,
                                PatternRewriter &rewriter) const override {
    auto op = dyn_cast<linalg::GenericOp>(extract->getParentOp());
    Value source = extract.getTensor();
    if (!op || op.getRegion().isAncestor(source.getParentRegion()))
      return failure();
    AffineMap place = getPlace(op, extract);
    if (!place)
      return failure();
    rewriter.setInsertionPoint(op);
    SmallVector<Value> inputs(op.getInputs());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    unsigned number = inputs.size();
    inputs.push_back(dropUnitDims(rewriter, extract.getLoc(), source));
    maps.insert(maps.begin() + number, place);
    auto raised = linalg::GenericOp::create(
        rewriter, op.getLoc(), op.getResultTypes(), inputs, op.getOutputs(),
        maps, op.getIteratorTypesArray());
    rewriter.inlineRegionBefore(op.getRegion(), raised.getRegion(),
                                raised.getRegion().begin());
    BlockArgument element = raised.getBody()->insertArgument(
        number, extract.getType(), extract.getLoc());
    rewriter.replaceOp(extract, element);
    rewriter.replaceOp(op, raised.getResults());
    return success();
  }
};

struct RaiseGathers : public fairway::impl::RaiseGathersBase<RaiseGathers> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldSignOfIndex, RaiseGather>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
