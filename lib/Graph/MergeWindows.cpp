//===- MergeWindows.cpp - a window's row is one run of memory -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_MERGEWINDOWS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

namespace {
/// A convolution whose window's row can be merged with the channels.
struct Candidate {
  linalg::GenericOp op;
  OpOperand *image, *weight;
  unsigned window, channel;                   ///< loops
  unsigned weightWindowDim, weightChannelDim; ///< dimensions of the weight
};
} // namespace

/// The reduction that moves `expr`, a sum, by one element each time.
static std::optional<unsigned> findUnitLoop(AffineExpr expr,
                                            linalg::GenericOp op) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  for (AffineExpr side : {sum.getRHS(), sum.getLHS()})
    if (auto dim = dyn_cast<AffineDimExpr>(side);
        dim && op.getIteratorTypesArray()[dim.getPosition()] ==
                   utils::IteratorType::reduction)
      return dim.getPosition();
  return std::nullopt;
}

static std::optional<Candidate> analyze(linalg::GenericOp op,
                                        ParameterOnly &parameterOnly) {
  if (!isMultiplyAccumulate(op) || !hasWindow(op))
    return std::nullopt;
  Candidate found{op, nullptr, nullptr, 0, 0, 0, 0};
  for (OpOperand *operand : op.getDpsInputOperands())
    (parameterOnly.contains(operand->get()) ? found.weight : found.image) =
        operand;
  if (!found.image || !found.weight)
    return std::nullopt;
  AffineMap image = op.getMatchingIndexingMap(found.image);
  AffineMap weight = op.getMatchingIndexingMap(found.weight);
  auto type = cast<RankedTensorType>(found.image->get().getType());
  if (image.getNumResults() < 2 || !weight.isProjectedPermutation() ||
      !type.hasStaticShape())
    return std::nullopt;
  auto channel = dyn_cast<AffineDimExpr>(image.getResults().back());
  std::optional<unsigned> window =
      findUnitLoop(image.getResult(image.getNumResults() - 2), op);
  if (!channel || !window)
    return std::nullopt;
  found.channel = channel.getPosition();
  found.window = *window;
  // Every channel, and neither loop anywhere else.
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  if (op.getIteratorTypesArray()[found.channel] !=
          utils::IteratorType::reduction ||
      sizes[found.channel] != type.getShape().back())
    return std::nullopt;
  for (AffineExpr expr : image.getResults().drop_back(2))
    if (expr.isFunctionOfDim(found.channel) ||
        expr.isFunctionOfDim(found.window))
      return std::nullopt;
  if (image.getResult(image.getNumResults() - 2).isFunctionOfDim(found.channel))
    return std::nullopt;
  auto positionOf = [&](unsigned loop) {
    return weight.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  };
  auto windowDim = positionOf(found.window),
       channelDim = positionOf(found.channel);
  if (!windowDim || !channelDim)
    return std::nullopt;
  found.weightWindowDim = *windowDim;
  found.weightChannelDim = *channelDim;
  return found;
}

/// Collapses the last two dimensions of `value`.
static Value collapseLast(OpBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i + 1 < type.getRank(); ++i)
    groups.push_back({i});
  groups.back().push_back(type.getRank() - 1);
  return tensor::CollapseShapeOp::create(b, loc, value, groups);
}

static void rewrite(const Candidate &found, RewriterBase &rewriter) {
  linalg::GenericOp op = found.op;
  MLIRContext *ctx = op.getContext();
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t channels = sizes[found.channel];

  // The channel's loop goes; the window's runs over both.
  SmallVector<AffineExpr> loops;
  for (unsigned i = 0; i < op.getNumLoops(); ++i)
    loops.push_back(getAffineDimExpr(i - (i > found.channel), ctx));
  AffineExpr merged = loops[found.window];
  auto remap = [&](ArrayRef<AffineExpr> exprs) {
    SmallVector<AffineExpr> results;
    for (AffineExpr expr : exprs)
      results.push_back(expr.replaceDims(loops));
    return AffineMap::get(op.getNumLoops() - 1, 0, results, ctx);
  };

  AffineMap image = op.getMatchingIndexingMap(found.image);
  SmallVector<AffineExpr> imageExprs(image.getResults().drop_back());
  SmallVector<AffineExpr> still(loops.size());
  for (unsigned i = 0; i < op.getNumLoops(); ++i)
    still[i] = i == found.window ? getAffineConstantExpr(0, ctx)
                                 : getAffineDimExpr(i, ctx);
  AffineExpr start = imageExprs.pop_back_val().replaceDims(still);

  AffineMap weight = op.getMatchingIndexingMap(found.weight);
  SmallVector<int64_t> permutation;
  SmallVector<AffineExpr> weightExprs;
  for (unsigned i = 0; i < weight.getNumResults(); ++i)
    if (i != found.weightWindowDim && i != found.weightChannelDim) {
      permutation.push_back(i);
      weightExprs.push_back(weight.getResult(i));
    }
  permutation.append({found.weightWindowDim, found.weightChannelDim});
  weightExprs.push_back(getAffineDimExpr(found.window, ctx));

  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    if (operand == found.weight) {
      Value transposed =
          createTranspose(rewriter, loc, operand->get(), permutation);
      inputs.push_back(collapseLast(rewriter, loc, transposed));
      maps.push_back(remap(weightExprs));
      continue;
    }
    inputs.push_back(collapseLast(rewriter, loc, operand->get()));
    AffineMap map = remap(imageExprs);
    SmallVector<AffineExpr> exprs(map.getResults());
    exprs.push_back(start.replaceDims(loops) * channels + merged);
    maps.push_back(AffineMap::get(map.getNumDims(), 0, exprs, ctx));
  }
  maps.push_back(
      remap(op.getMatchingIndexingMap(op.getDpsInitOperand(0)).getResults()));
  SmallVector<utils::IteratorType> types = op.getIteratorTypesArray();
  types.erase(types.begin() + found.channel);
  auto result =
      linalg::GenericOp::create(rewriter, loc, op.getResultTypes(), inputs,
                                op.getDpsInits(), maps, types);
  rewriter.inlineRegionBefore(op.getRegion(), result.getRegion(),
                              result.getRegion().begin());
  rewriter.replaceOp(op, result);
}

namespace {
struct MergeWindowsPass
    : public fairway::impl::MergeWindowsBase<MergeWindowsPass> {
  void runOnOperation() override {
    SmallVector<Candidate> work;
    getOperation()->walk([&](func::FuncOp func) {
      ParameterOnly parameterOnly;
      func.walk([&](linalg::GenericOp op) {
        if (auto found = analyze(op, parameterOnly))
          work.push_back(*found);
      });
    });
    IRRewriter rewriter(&getContext());
    for (const Candidate &found : work)
      rewrite(found, rewriter);
    numMerged += work.size();
  }
};
} // namespace
