//===- SplitWindows.cpp - no product with an inserted zero ----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "SliceValue.h"
#include "SpreadConvolution.h"
#include "fairway/Graph/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace fairway {
#define GEN_PASS_DEF_SPLITWINDOWS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// `value` cut along one dimension of each spread, which `dims` names.
static SmallVector<Cut> getCuts(ArrayRef<unsigned> dims,
                                ArrayRef<Spread> spreads,
                                ArrayRef<const Part *> parts) {
  SmallVector<Cut> cuts;
  for (auto [dim, spread, part] : llvm::zip(dims, spreads, parts))
    cuts.push_back({dim, part->first, part->count, spread.stride});
  return cuts;
}

/// The source with as many zeros around it as the parts read, in the image's
/// rank.
Value SpreadConvolution::createSource(RewriterBase &rewriter) {
  Location loc = insert.getLoc();
  RankedTensorType type = insert.getType();
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<int64_t> offsets(insert.getStaticOffsets());
  for (const Spread &spread : spreads) {
    shape[spread.sourceDim] = spread.low + spread.size + spread.high;
    offsets[spread.sourceDim] = spread.low;
  }
  Value source = insert.getSource();
  if (!llvm::equal(shape, insert.getSourceType().getShape())) {
    auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
    Value empty =
        tensor::EmptyOp::create(rewriter, loc, shape, type.getElementType());
    Value zeros = linalg::FillOp::create(rewriter, loc, fill.getInputs(),
                                         ValueRange{empty})
                      .getResult(0);
    SmallVector<OpFoldResult> ones(type.getRank(), rewriter.getIndexAttr(1));
    MLIRContext *ctx = rewriter.getContext();
    source = tensor::InsertSliceOp::create(rewriter, loc, source, zeros,
                                           getAsIndexOpFoldResult(ctx, offsets),
                                           insert.getMixedSizes(), ones);
  }
  if (!expand)
    return source;
  SmallVector<int64_t> expanded(expand.getResultType().getShape());
  for (const Spread &spread : spreads)
    expanded[spread.imageDim] = shape[spread.sourceDim];
  return tensor::ExpandShapeOp::create(
      rewriter, loc, expand.getResultType().clone(expanded), source,
      expand.getReassociationIndices());
}

/// One part of the convolution's result.
Value SpreadConvolution::createPart(RewriterBase &rewriter, Value source,
                                    ArrayRef<const Part *> parts) {
  Value init = sliceValue(rewriter, op.getDpsInits()[0],
                          getCuts(getOutDims(spreads), spreads, parts));
  if (llvm::any_of(parts, [](const Part *part) { return part->taps == 0; }))
    return init;
  SmallVector<Cut> imageCuts, weightCuts;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap &imageMap = maps[image->getOperandNumber()];
  SmallVector<AffineExpr> exprs(imageMap.getResults());
  for (auto [spread, part] : llvm::zip(spreads, parts)) {
    int64_t reach = part->count + part->dilation * (part->taps - 1);
    imageCuts.push_back({spread.imageDim, spread.low + part->start, reach, 1});
    weightCuts.push_back(
        {spread.weightDim, part->tap, part->taps, part->tapStep});
    AffineMap weightMap = maps[weight->getOperandNumber()];
    exprs[spread.imageDim] =
        getAffineDimExpr(spread.outLoop, op.getContext()) +
        weightMap.getResult(spread.weightDim) * part->dilation;
  }
  imageMap = AffineMap::get(imageMap.getNumDims(), 0, exprs, op.getContext());
  SmallVector<Value> inputs(2);
  inputs[image->getOperandNumber()] = sliceValue(rewriter, source, imageCuts);
  inputs[weight->getOperandNumber()] =
      sliceValue(rewriter, weight->get(), weightCuts);
  auto part = linalg::GenericOp::create(
      rewriter, op.getLoc(), TypeRange{init.getType()}, inputs,
      ValueRange{init}, maps, op.getIteratorTypesArray());
  rewriter.cloneRegionBefore(op.getRegion(), part.getRegion(),
                             part.getRegion().begin());
  return part.getResult(0);
}

/// What the consumers make of a part of the result.
Value SpreadConvolution::applyConsumers(RewriterBase &rewriter, Value value,
                                        ArrayRef<const Part *> parts) {
  SmallVector<unsigned> dims = getOutDims(spreads);
  Value whole = op.getResult(0);
  for (Operation *consumer : consumers) {
    OpOperand &use = *whole.getUses().begin();
    dims = *followUse(use, dims);
    whole = consumer->getResult(0);
    SmallVector<Cut> cuts = getCuts(dims, spreads, parts);
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(consumer))
      value = tensor::CollapseShapeOp::create(
          rewriter, collapse.getLoc(),
          getSliceType(collapse.getResultType(), cuts), value,
          collapse.getReassociationIndices());
    else
      value = sliceElementwise(rewriter, cast<linalg::GenericOp>(consumer),
                               cuts, &use, value);
  }
  return value;
}

void SpreadConvolution::rewrite(RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  Value source = createSource(rewriter);
  Operation *last = consumers.empty() ? op.getOperation() : consumers.back();
  // Other operands of the consumers are there now, too.
  rewriter.setInsertionPoint(last);
  SmallVector<unsigned> dims = getOutDims(spreads);
  Value whole = op.getResult(0);
  for (Operation *consumer : consumers) {
    dims = *followUse(*whole.getUses().begin(), dims);
    whole = consumer->getResult(0);
  }
  auto type = cast<RankedTensorType>(whole.getType());
  Location loc = last->getLoc();
  Value result = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                         type.getElementType());
  SmallVector<const Part *> parts(spreads.size());
  std::function<void(unsigned)> each = [&](unsigned level) {
    if (level < spreads.size()) {
      for (const Part &part : spreads[level].parts) {
        parts[level] = &part;
        each(level + 1);
      }
      return;
    }
    Value value =
        applyConsumers(rewriter, createPart(rewriter, source, parts), parts);
    result =
        insertCuts(rewriter, loc, value, result, getCuts(dims, spreads, parts));
  };
  each(0);
  rewriter.replaceOp(last, result);
  for (Operation *consumer : llvm::reverse(consumers))
    if (consumer != last)
      rewriter.eraseOp(consumer);
  if (last != op)
    rewriter.eraseOp(op);
}

namespace {
struct SplitWindowsPass
    : public fairway::impl::SplitWindowsBase<SplitWindowsPass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isMultiplyAccumulate(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : ops) {
      SpreadConvolution convolution;
      if (!convolution.match(op))
        continue;
      convolution.rewrite(rewriter);
      ++numSplit;
    }
  }
};
} // namespace
