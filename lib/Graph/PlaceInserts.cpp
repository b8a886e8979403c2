//===- PlaceInserts.cpp - producers write into slices of larger tensors ---===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fairway {
#define GEN_PASS_DEF_PLACEINSERTS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Whether everything about the insertion is known.
static bool isKnown(tensor::InsertSliceOp insert) {
  return insert.getType().hasStaticShape() &&
         insert.getSourceType().getRank() == insert.getType().getRank() &&
         !ShapedType::isDynamicShape(insert.getStaticOffsets()) &&
         !ShapedType::isDynamicShape(insert.getStaticStrides());
}

/// And no element is skipped.
static bool isDense(tensor::InsertSliceOp insert) {
  return isKnown(insert) &&
         llvm::all_of(insert.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; });
}

static tensor::InsertSliceOp createInsert(OpBuilder &b, Location loc,
                                          Value source, Value dest,
                                          ArrayRef<int64_t> offsets,
                                          ArrayRef<int64_t> strides = {}) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<int64_t> steps(type.getRank(), 1);
  if (!strides.empty())
    steps.assign(strides.begin(), strides.end());
  MLIRContext *ctx = b.getContext();
  return tensor::InsertSliceOp::create(
      b, loc, source, dest, getAsIndexOpFoldResult(ctx, offsets),
      getAsIndexOpFoldResult(ctx, type.getShape()),
      getAsIndexOpFoldResult(ctx, steps));
}

/// The same destination with its dimensions split as `groups` says.
static Value expandDest(OpBuilder &b, Location loc, Value dest,
                        ArrayRef<int64_t> shape,
                        ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(dest.getType()).clone(shape);
  if (dest.getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(b, loc, shape, type.getElementType());
  if (auto fill = dest.getDefiningOp<linalg::FillOp>()) {
    Value empty = expandDest(b, loc, fill.getOutputs()[0], shape, groups);
    return linalg::FillOp::create(b, loc, fill.getInputs(), ValueRange{empty})
        .getResult(0);
  }
  auto collapse = dest.getDefiningOp<tensor::CollapseShapeOp>();
  if (collapse && collapse.getSrcType() == type &&
      llvm::equal(collapse.getReassociationIndices(), groups))
    return collapse.getSrc();
  return tensor::ExpandShapeOp::create(b, loc, type, dest, groups);
}

/// The same destination with the dimensions of each group merged.
static Value collapseDest(OpBuilder &b, Location loc, Value dest,
                          RankedTensorType type,
                          ArrayRef<ReassociationIndices> groups) {
  if (dest.getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(b, loc, type.getShape(),
                                   type.getElementType());
  if (auto fill = dest.getDefiningOp<linalg::FillOp>()) {
    Value empty = collapseDest(b, loc, fill.getOutputs()[0], type, groups);
    return linalg::FillOp::create(b, loc, fill.getInputs(), ValueRange{empty})
        .getResult(0);
  }
  return tensor::CollapseShapeOp::create(b, loc, type, dest, groups);
}

namespace {
/// A source of lower rank is inserted into a destination without the unit
/// dimensions that it lacks.
struct DropUnitDims : public OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::InsertSliceOp insert,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = insert.getType();
    llvm::SmallBitVector dropped = insert.getDroppedDims();
    if (dropped.none() || dropped.all() || !type.hasStaticShape() ||
        ShapedType::isDynamicShape(insert.getStaticOffsets()))
      return failure();
    SmallVector<int64_t> shape, offsets;
    SmallVector<OpFoldResult> strides;
    SmallVector<ReassociationIndices> groups(1);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (dropped[i] && type.getDimSize(i) != 1)
        return failure();
      // A unit dimension joins the dimension before it, leading ones the first.
      if (!groups.back().empty() && !dropped[i] &&
          shape.size() == groups.size())
        groups.emplace_back();
      groups.back().push_back(i);
      if (dropped[i])
        continue;
      shape.push_back(type.getDimSize(i));
      offsets.push_back(insert.getStaticOffset(i));
      strides.push_back(insert.getMixedStrides()[i]);
    }
    Location loc = insert.getLoc();
    Value dest = collapseDest(rewriter, loc, insert.getDest(),
                              type.clone(shape), groups);
    MLIRContext *ctx = rewriter.getContext();
    Value inserted = tensor::InsertSliceOp::create(
        rewriter, loc, insert.getSource(), dest,
        getAsIndexOpFoldResult(ctx, offsets),
        getAsIndexOpFoldResult(ctx, insert.getSourceType().getShape()),
        strides);
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(insert, type, inserted,
                                                       groups);
    return success();
  }
};

/// insert(collapse(x), dest) -> collapse(insert(x, expand(dest)))
struct SinkCollapse : public OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::InsertSliceOp insert,
                                PatternRewriter &rewriter) const override {
    auto collapse = insert.getSource().getDefiningOp<tensor::CollapseShapeOp>();
    if (!collapse || !collapse->hasOneUse() || !isKnown(insert))
      return failure();
    SmallVector<int64_t> shape, offsets, strides;
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    ArrayRef<int64_t> source = collapse.getSrcType().getShape();
    for (auto [dim, group] : llvm::enumerate(groups)) {
      // The first dimension that counts holds the offset; those behind it are
      // whole.
      auto isOne = [&](int64_t i) { return source[i] == 1; };
      unsigned ones = llvm::find_if_not(group, isOne) - group.begin();
      unsigned first = std::min<unsigned>(ones, group.size() - 1);
      int64_t inner = 1;
      for (int64_t i : ArrayRef(group).drop_front(first + 1))
        inner *= source[i];
      int64_t size = insert.getType().getDimSize(dim);
      int64_t offset = insert.getStaticOffset(dim);
      // Elements that are apart are no rows of the dimensions behind.
      int64_t stride = insert.getStaticStrides()[dim];
      if (inner == 0 || size % inner != 0 || offset % inner != 0 ||
          (stride != 1 && inner != 1))
        return failure();
      for (auto [at, i] : llvm::enumerate(group)) {
        shape.push_back(at == first ? size / inner : source[i]);
        offsets.push_back(at == first ? offset / inner : 0);
        strides.push_back(at == first ? stride : 1);
      }
    }
    Location loc = insert.getLoc();
    Value dest = expandDest(rewriter, loc, insert.getDest(), shape, groups);
    auto expanded =
        createInsert(rewriter, loc, collapse.getSrc(), dest, offsets, strides);
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        insert, insert.getType(), expanded, groups);
    return success();
  }
};

/// insert(insert(x, rest), dest) -> insert(x, insert(rest, dest)): the parts of
/// a concatenation, or of a transposed convolution, go into its padded form.
struct NestInsert : public OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::InsertSliceOp insert,
                                PatternRewriter &rewriter) const override {
    auto inner = insert.getSource().getDefiningOp<tensor::InsertSliceOp>();
    if (!inner || !inner->hasOneUse() || !isDense(insert) || !isKnown(inner))
      return failure();
    SmallVector<int64_t> offsets;
    for (auto [a, b] :
         llvm::zip(insert.getStaticOffsets(), inner.getStaticOffsets()))
      offsets.push_back(a + b);
    Location loc = insert.getLoc();
    Value dest = insert.getDest();
    // What an empty tensor holds does not matter.
    if (!inner.getDest().getDefiningOp<tensor::EmptyOp>())
      dest = createInsert(rewriter, loc, inner.getDest(), dest,
                          insert.getStaticOffsets());
    rewriter.replaceOp(insert,
                       createInsert(rewriter, loc, inner.getSource(), dest,
                                    offsets, inner.getStaticStrides()));
    return success();
  }
};
} // namespace

/// Whether `use` inserts its value into a tensor that is full of one constant.
static bool isPadding(OpOperand &use, Attribute *value = nullptr) {
  auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
  if (!insert || use != insert.getSourceMutable() || !isDense(insert))
    return false;
  auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
  Attribute constant;
  if (!fill || !matchPattern(fill.getInputs()[0], m_Constant(&constant)))
    return false;
  if (value)
    *value = constant;
  return true;
}

/// One padded form of `value` serves all its users: paddings by the same
/// constant are windows of the widest, every other user reads the interior.
static bool shareHalo(OpResult value, RewriterBase &rewriter) {
  if (value.hasOneUse() || !isa<linalg::GenericOp>(value.getOwner()))
    return false;
  Attribute constant;
  SmallVector<tensor::InsertSliceOp> paddings;
  SmallVector<OpOperand *> readers;
  for (OpOperand &use : value.getUses()) {
    Attribute other;
    if (isPadding(use, &other) && (!constant || constant == other)) {
      constant = other;
      paddings.push_back(cast<tensor::InsertSliceOp>(use.getOwner()));
      continue;
    }
    // In place, or in a body at computed places: needs a tensor of its own.
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (generic ? generic.isDpsInit(&use)
                : !isa<tensor::CollapseShapeOp, tensor::InsertSliceOp>(
                      use.getOwner()))
      return false;
    readers.push_back(&use);
  }
  if (paddings.empty())
    return false;

  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> low(type.getRank(), 0), high(type.getRank(), 0);
  for (tensor::InsertSliceOp padding : paddings)
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t before = padding.getStaticOffset(i);
      int64_t after =
          padding.getType().getDimSize(i) - before - type.getDimSize(i);
      low[i] = std::max(low[i], before);
      high[i] = std::max(high[i], after);
    }
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i)
    shape.push_back(low[i] + type.getDimSize(i) + high[i]);

  rewriter.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  auto fill = paddings[0].getDest().getDefiningOp<linalg::FillOp>();
  Value element =
      arith::ConstantOp::create(rewriter, loc, cast<TypedAttr>(constant));
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, shape, type.getElementType());
  Value filled = linalg::FillOp::create(rewriter, fill.getLoc(),
                                        ValueRange{element}, ValueRange{empty})
                     .getResult(0);
  Value padded = createInsert(rewriter, loc, value, filled, low);
  auto window = [&](ArrayRef<int64_t> offsets,
                    ArrayRef<int64_t> sizes) -> Value {
    if (llvm::equal(sizes, shape))
      return padded;
    SmallVector<OpFoldResult> ones(type.getRank(), rewriter.getIndexAttr(1));
    MLIRContext *ctx = rewriter.getContext();
    return tensor::ExtractSliceOp::create(
               rewriter, loc, padded, getAsIndexOpFoldResult(ctx, offsets),
               getAsIndexOpFoldResult(ctx, sizes), ones)
        .getResult();
  };
  if (!readers.empty()) {
    Value interior = window(low, type.getShape());
    for (OpOperand *use : readers)
      rewriter.modifyOpInPlace(use->getOwner(), [&] { use->set(interior); });
  }
  for (tensor::InsertSliceOp padding : paddings) {
    SmallVector<int64_t> offsets;
    for (int64_t i = 0; i < type.getRank(); ++i)
      offsets.push_back(low[i] - padding.getStaticOffset(i));
    rewriter.replaceOp(padding, window(offsets, padding.getType().getShape()));
  }
  return true;
}

namespace {
struct PlaceInsertsPass
    : public fairway::impl::PlaceInsertsBase<PlaceInsertsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DropUnitDims, SinkCollapse, NestInsert>(&getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> producers;
    getOperation()->walk(
        [&](linalg::GenericOp op) { producers.push_back(op); });
    for (linalg::GenericOp op : producers)
      if (op.getNumResults() == 1)
        numShared += shareHalo(op->getResult(0), rewriter);
  }
};
} // namespace
