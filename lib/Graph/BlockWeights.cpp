//===- BlockWeights.cpp - weights in panels of vector width
//-------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_BLOCKWEIGHTS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Sizes that no panel divides (a vocabulary) are filled up with zeros if these
/// are few beside the rest: at least this many panels.
static constexpr int64_t kMinPanelsToPad = 8;

/// `value` with zeros behind it along `dim`, up to `size`.
static Value padDim(OpBuilder &b, Location loc, Value value, int64_t dim,
                    int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = size;
  Value zero =
      arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
  Value empty = tensor::EmptyOp::create(b, loc, shape, type.getElementType());
  Value zeros =
      linalg::FillOp::create(b, loc, zero, ValueRange{empty}).getResult(0);
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> steps(type.getRank(), b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(
      b, loc, value, zeros, offsets,
      getAsIndexOpFoldResult(b.getContext(), type.getShape()), steps);
}

/// The part of `value` that has the shape of `type`.
static Value takePart(OpBuilder &b, Location loc, Value value,
                      RankedTensorType type) {
  if (value.getType() == type)
    return value;
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> steps(type.getRank(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(
      b, loc, type, value, offsets,
      getAsIndexOpFoldResult(b.getContext(), type.getShape()), steps);
}

static Value expandDim(OpBuilder &b, Location loc, Value value, int64_t dim,
                       int64_t inner) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] /= inner;
  shape.insert(shape.begin() + dim + 1, inner);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0, at = 0; i < type.getRank(); ++i) {
    groups.emplace_back();
    groups.back().push_back(at++);
    if (i == dim)
      groups.back().push_back(at++);
  }
  return tensor::ExpandShapeOp::create(b, loc, type.clone(shape), value,
                                       groups);
}

namespace {
/// C[m, n] += A[m, k] * B[k, n] becomes
/// C[m, no, ni] += A[m, k] * B'[no, k, ni] with B' made from B once.
struct BlockWeight {
  linalg::GenericOp op;
  OpOperand *weight;
  unsigned loop;      ///< the loop that runs over the weight's panels
  unsigned outDim;    ///< the output's dimension of that loop (its last)
  unsigned weightDim; ///< the weight's dimension of that loop
  int64_t panel;      ///< 0: only move the loop's dimension to the end
  int64_t size;       ///< of that dimension, a multiple of the panel

  void rewrite(RewriterBase &rewriter);

private:
  void transpose(RewriterBase &rewriter);
};
} // namespace

/// A depthwise weight shares its channels with the image: they come last.
void BlockWeight::transpose(RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  AffineMap map = op.getMatchingIndexingMap(weight);
  SmallVector<int64_t> permutation;
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0, e = map.getNumResults(); i < e; ++i)
    if (i != weightDim)
      permutation.push_back(i);
  permutation.push_back(weightDim);
  for (int64_t i : permutation)
    exprs.push_back(map.getResult(i));
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned number = weight->getOperandNumber();
  maps[number] = AffineMap::get(map.getNumDims(), 0, exprs, op.getContext());
  Value transposed =
      createTranspose(rewriter, op.getLoc(), weight->get(), permutation);
  rewriter.modifyOpInPlace(op, [&] {
    op->setOperand(number, transposed);
    op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  });
}

void BlockWeight::rewrite(RewriterBase &rewriter) {
  if (panel == 0)
    return transpose(rewriter);
  MLIRContext *ctx = rewriter.getContext();
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  unsigned inner = op.getNumLoops(); // the new, innermost loop
  AffineExpr innerExpr = getAffineDimExpr(inner, ctx);

  // B -> [no, the other dimensions in the order of the reads, ni].
  AffineMap weightMap = op.getMatchingIndexingMap(weight);
  Value source = weight->get();
  if (size != cast<RankedTensorType>(source.getType()).getDimSize(weightDim))
    source = padDim(rewriter, loc, source, weightDim, size);
  Value expanded = expandDim(rewriter, loc, source, weightDim, panel);
  SmallVector<int64_t> order;
  for (unsigned i = 0, e = weightMap.getNumResults(); i < e; ++i)
    if (i != weightDim)
      order.push_back(i);
  // The innermost loop of a convolution runs over the image's channels, which
  // lie side by side; those over its window come before.
  AffineMap imageMap = op.getMatchingIndexingMap(
      op.getDpsInputOperand(1 - weight->getOperandNumber()));
  auto key = [&](int64_t i) {
    AffineExpr loop = weightMap.getResult(i);
    bool isDim = imageMap.getResultPosition(loop).has_value();
    bool reduced =
        op.getIteratorTypesArray()[cast<AffineDimExpr>(loop).getPosition()] ==
        utils::IteratorType::reduction;
    return std::tuple(reduced, isDim, cast<AffineDimExpr>(loop).getPosition());
  };
  llvm::sort(order, [&](int64_t a, int64_t b) { return key(a) < key(b); });
  SmallVector<int64_t> permutation{weightDim};
  SmallVector<AffineExpr> exprs{getAffineDimExpr(loop, ctx)};
  for (int64_t i : order) {
    permutation.push_back(i < weightDim ? i : i + 1);
    exprs.push_back(weightMap.getResult(i));
  }
  permutation.push_back(weightDim + 1);
  exprs.push_back(innerExpr);
  Value packed = createTranspose(rewriter, loc, expanded, permutation);

  SmallVector<AffineMap> maps;
  for (AffineMap map : op.getIndexingMapsArray())
    maps.push_back(AffineMap::get(inner + 1, 0, map.getResults(), ctx));
  maps[weight->getOperandNumber()] = AffineMap::get(inner + 1, 0, exprs, ctx);
  unsigned outNumber = op.getDpsInitOperand(0)->getOperandNumber();
  SmallVector<AffineExpr> outExprs(maps[outNumber].getResults());
  outExprs.insert(outExprs.begin() + outDim + 1, innerExpr);
  maps[outNumber] = AffineMap::get(inner + 1, 0, outExprs, ctx);

  SmallVector<utils::IteratorType> loops = op.getIteratorTypesArray();
  loops.push_back(utils::IteratorType::parallel);
  SmallVector<Value> inputs(op.getInputs());
  inputs[weight->getOperandNumber()] = packed;
  // A filled initial value is filled in the new shape: no reshape between.
  Value init = op.getDpsInits()[0];
  auto outType = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<int64_t> shape(outType.getShape());
  shape[outDim] = size;
  auto fullType = outType.clone(shape);
  Value newInit;
  if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
    shape[outDim] /= panel;
    shape.insert(shape.begin() + outDim + 1, panel);
    Value empty =
        tensor::EmptyOp::create(rewriter, loc, shape, outType.getElementType());
    newInit = linalg::FillOp::create(rewriter, loc, fill.getInputs(),
                                     ValueRange{empty})
                  .getResult(0);
  } else {
    newInit = expandDim(rewriter, loc, init, outDim, panel);
  }
  auto blocked =
      linalg::GenericOp::create(rewriter, loc, TypeRange{newInit.getType()},
                                inputs, ValueRange{newInit}, maps, loops);
  rewriter.inlineRegionBefore(op.getRegion(), blocked.getRegion(),
                              blocked.getRegion().begin());
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0, at = 0; i < outType.getRank(); ++i) {
    groups.emplace_back();
    groups.back().push_back(at++);
    if (i == outDim)
      groups.back().push_back(at++);
  }
  Value full = tensor::CollapseShapeOp::create(rewriter, loc, fullType,
                                               blocked.getResult(0), groups);
  rewriter.replaceOp(op, takePart(rewriter, loc, full, outType));
}

namespace {
struct BlockWeightsPass
    : public fairway::impl::BlockWeightsBase<BlockWeightsPass> {
  using BlockWeightsBase::BlockWeightsBase;

  void runOnOperation() override {
    SmallVector<BlockWeight> work;
    getOperation()->walk([&](func::FuncOp func) {
      ParameterOnly parameterOnly;
      func.walk([&](linalg::GenericOp op) {
        if (std::optional<BlockWeight> block = analyze(op, parameterOnly))
          work.push_back(*block);
      });
    });
    IRRewriter rewriter(&getContext());
    for (BlockWeight &block : work)
      block.rewrite(rewriter);
    numBlocked += work.size();
  }

private:
  std::optional<BlockWeight> analyze(linalg::GenericOp op,
                                     ParameterOnly &parameterOnly) {
    if (!isMultiplyAccumulate(op))
      return std::nullopt;
    AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    if (!outMap.isProjectedPermutation() || outMap.getNumResults() == 0)
      return std::nullopt;
    unsigned outDim = outMap.getNumResults() - 1;
    unsigned loop = outMap.getDimPosition(outDim);
    for (OpOperand *operand : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(operand);
      OpOperand *other = op.getDpsInputOperand(1 - operand->getOperandNumber());
      auto position =
          map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
      if (!position || !map.isProjectedPermutation() ||
          !parameterOnly.contains(operand->get()) ||
          parameterOnly.contains(other->get()))
        continue;
      BlockWeight block{
          op, operand, loop, outDim, static_cast<unsigned>(*position), 0, 0};
      bool isLast = *position + 1 == map.getNumResults();
      if (op.getMatchingIndexingMap(other).isFunctionOfDim(loop)) {
        if (isLast)
          return std::nullopt;
        return block;
      }
      auto type = cast<RankedTensorType>(operand->get().getType());
      int64_t lanes = vectorBits / type.getElementTypeBitWidth();
      int64_t size = type.getDimSize(*position);
      block.panel = choosePanel(size, lanes);
      block.size = size;
      if (block.panel == 0 && size >= kMinPanelsToPad * 2 * lanes &&
          !hasWindow(op) &&
          op.getDpsInits()[0].getDefiningOp<linalg::FillOp>()) {
        block.panel = 2 * lanes;
        block.size = llvm::alignTo(size, block.panel);
      }
      // One panel, or a size that no panel divides: the lanes go innermost.
      if (block.panel == size)
        block.panel = 0;
      if (isLast && block.panel == 0)
        return std::nullopt;
      return block;
    }
    return std::nullopt;
  }
};
} // namespace
