//===- SplitWindows.cpp - no product with an inserted zero ----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "SliceValue.h"
#include "fairway/Graph/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

namespace fairway {
#define GEN_PASS_DEF_SPLITWINDOWS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// A transposed convolution becomes at most this many convolutions.
static constexpr int64_t kMaxParts = 16;

namespace {
/// Which elements of a dimension of the result read the same of the window, and
/// what they read.
struct Part {
  int64_t first, count; ///< of the result, each as far apart as the source's
  int64_t tap, taps, tapStep; ///< of the window
  int64_t start;    ///< where in the source the first one's first tap is
  int64_t dilation; ///< between taps, in the source
};

/// A dimension of the image between whose elements zeros were inserted.
struct Spread {
  unsigned imageDim, sourceDim, outLoop, outDim, weightDim;
  int64_t stride, offset, size; ///< of the source's elements in the image
  SmallVector<Part> parts;
  int64_t low = 0, high = 0; ///< zeros that the parts read around the source
};

/// A convolution of an image with zeros between its elements:
/// image = [expand](insert source into zeros).
struct SpreadConvolution {
  linalg::GenericOp op;
  OpOperand *image = nullptr, *weight = nullptr;
  tensor::ExpandShapeOp expand;
  tensor::InsertSliceOp insert;
  SmallVector<Spread> spreads;
  /// What takes the result, one after the other, without another user.
  SmallVector<Operation *> consumers;

  bool match(linalg::GenericOp candidate);
  void rewrite(RewriterBase &rewriter);

private:
  bool matchImage(OpOperand &operand);
  bool matchSpread(unsigned imageDim, unsigned sourceDim);
  void findParts(Spread &spread, int64_t outSize, int64_t window,
                 int64_t dilation);
  void findConsumers();
  Value createSource(RewriterBase &rewriter);
  Value createPart(RewriterBase &rewriter, Value source,
                   ArrayRef<const Part *> parts);
  Value applyConsumers(RewriterBase &rewriter, Value value,
                       ArrayRef<const Part *> parts);
};
} // namespace

/// `value` cut along one dimension of each spread, which `dims` names.
static SmallVector<Cut> getCuts(ArrayRef<unsigned> dims,
                                ArrayRef<Spread> spreads,
                                ArrayRef<const Part *> parts) {
  SmallVector<Cut> cuts;
  for (auto [dim, spread, part] : llvm::zip(dims, spreads, parts))
    cuts.push_back({dim, part->first, part->count, spread.stride});
  return cuts;
}

bool SpreadConvolution::matchImage(OpOperand &operand) {
  expand = operand.get().getDefiningOp<tensor::ExpandShapeOp>();
  Value value = expand ? Value(expand.getSrc()) : operand.get();
  insert = value.getDefiningOp<tensor::InsertSliceOp>();
  if (!insert ||
      insert.getSourceType().getRank() != insert.getType().getRank() ||
      !insert.getType().hasStaticShape() ||
      ShapedType::isDynamicShape(insert.getStaticOffsets()) ||
      ShapedType::isDynamicShape(insert.getStaticStrides()))
    return false;
  auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
  return fill && (matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) ||
                  matchPattern(fill.getInputs()[0], m_Zero()));
}

/// The loops and factor of `out + window * dilation`.
static bool matchWindow(AffineExpr expr, linalg::GenericOp op, unsigned &out,
                        unsigned &window, int64_t &dilation) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return false;
  SmallVector<utils::IteratorType> types = op.getIteratorTypesArray();
  unsigned found = 0;
  for (AffineExpr side : {sum.getLHS(), sum.getRHS()}) {
    int64_t factor = 1;
    if (auto product = dyn_cast<AffineBinaryOpExpr>(side)) {
      auto constant = dyn_cast<AffineConstantExpr>(product.getRHS());
      if (product.getKind() != AffineExprKind::Mul || !constant)
        return false;
      factor = constant.getValue();
      side = product.getLHS();
    }
    auto dim = dyn_cast<AffineDimExpr>(side);
    if (!dim)
      return false;
    if (types[dim.getPosition()] == utils::IteratorType::reduction) {
      window = dim.getPosition();
      dilation = factor;
      found |= 1;
    } else if (factor == 1) {
      out = dim.getPosition();
      found |= 2;
    }
  }
  return found == 3 && dilation > 0;
}

bool SpreadConvolution::matchSpread(unsigned imageDim, unsigned sourceDim) {
  AffineMap imageMap = op.getMatchingIndexingMap(image);
  AffineMap weightMap = op.getMatchingIndexingMap(weight);
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  unsigned out = 0, window = 0;
  int64_t dilation = 0;
  if (!matchWindow(imageMap.getResult(imageDim), op, out, window, dilation))
    return false;
  // Neither loop does anything else.
  MLIRContext *ctx = op.getContext();
  for (auto [dim, expr] : llvm::enumerate(imageMap.getResults()))
    if (dim != imageDim &&
        (expr.isFunctionOfDim(out) || expr.isFunctionOfDim(window)))
      return false;
  auto outDim = outMap.getResultPosition(getAffineDimExpr(out, ctx));
  auto weightDim = weightMap.getResultPosition(getAffineDimExpr(window, ctx));
  if (!outDim || !weightDim || weightMap.isFunctionOfDim(out))
    return false;
  Spread spread{imageDim,
                sourceDim,
                out,
                *outDim,
                *weightDim,
                insert.getStaticStrides()[sourceDim],
                insert.getStaticOffsets()[sourceDim],
                insert.getSourceType().getDimSize(sourceDim),
                {}};
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  findParts(spread, sizes[out], sizes[window], dilation);
  spreads.push_back(spread);
  return true;
}

void SpreadConvolution::findParts(Spread &spread, int64_t outSize,
                                  int64_t window, int64_t dilation) {
  int64_t stride = spread.stride;
  for (int64_t phase = 0; phase < std::min(stride, outSize); ++phase) {
    int64_t count = llvm::divideCeil(outSize - phase, stride);
    Part part{phase, count, 0, 0, 1, 0, 1};
    for (int64_t tap = 0; tap < window; ++tap) {
      int64_t place = phase + dilation * tap - spread.offset;
      if (place % stride != 0)
        continue;
      if (part.taps == 0) {
        part.tap = tap;
        part.start = place / stride;
      } else if (part.taps == 1) {
        part.tapStep = tap - part.tap;
        part.dilation = dilation * part.tapStep / stride;
      }
      ++part.taps;
    }
    if (part.taps > 0) {
      int64_t last =
          part.start + part.count - 1 + part.dilation * (part.taps - 1);
      spread.low = std::max(spread.low, -part.start);
      spread.high = std::max(spread.high, last + 1 - spread.size);
    }
    spread.parts.push_back(part);
  }
}

bool SpreadConvolution::match(linalg::GenericOp candidate) {
  op = candidate;
  if (ShapedType::isDynamicShape(op.getStaticLoopRanges()) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0))
           .isProjectedPermutation())
    return false;
  for (OpOperand *operand : op.getDpsInputOperands())
    if (matchImage(*operand)) {
      image = operand;
      break;
    }
  if (!image)
    return false;
  weight = op.getDpsInputOperand(1 - image->getOperandNumber());
  if (!op.getMatchingIndexingMap(weight).isProjectedPermutation())
    return false;
  SmallVector<ReassociationIndices> groups;
  if (expand)
    groups = expand.getReassociationIndices();
  for (auto [dim, stride] : llvm::enumerate(insert.getStaticStrides())) {
    if (stride == 1 || insert.getSourceType().getDimSize(dim) < 2)
      continue;
    if (expand && groups[dim].size() != 1)
      return false;
    if (!matchSpread(expand ? groups[dim][0] : dim, dim))
      return false;
  }
  int64_t parts = 1;
  for (const Spread &spread : spreads)
    parts *= spread.parts.size();
  if (spreads.empty() || parts > kMaxParts)
    return false;
  findConsumers();
  return true;
}

/// The dimensions of `user`'s result that `dims` of its operand become, if it
/// only gives elements another shape or another value.
static std::optional<SmallVector<unsigned>> follow(OpOperand &use,
                                                   ArrayRef<unsigned> dims) {
  SmallVector<unsigned> result;
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(use.getOwner())) {
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    for (unsigned dim : dims)
      for (auto [to, group] : llvm::enumerate(groups))
        if (group.size() == 1 && group[0] == dim)
          result.push_back(to);
  } else if (auto generic = dyn_cast<linalg::GenericOp>(use.getOwner())) {
    if (!isElementwise(generic) || generic.hasIndexSemantics() ||
        !generic.isDpsInput(&use) || !generic.hasPureTensorSemantics())
      return std::nullopt;
    AffineMap map = generic.getMatchingIndexingMap(&use);
    // Any part of the result needs the same part of each operand.
    for (AffineMap other : generic.getIndexingMapsArray())
      if (!llvm::all_of(other.getResults(),
                        llvm::IsaPred<AffineDimExpr, AffineConstantExpr>))
        return std::nullopt;
    if (!map.isPermutation())
      return std::nullopt;
    for (unsigned dim : dims)
      result.push_back(map.getDimPosition(dim));
  }
  if (result.size() != dims.size())
    return std::nullopt;
  return result;
}

static SmallVector<unsigned> getOutDims(ArrayRef<Spread> spreads) {
  return llvm::map_to_vector(
      spreads, [](const Spread &spread) { return spread.outDim; });
}

void SpreadConvolution::findConsumers() {
  SmallVector<unsigned> dims = getOutDims(spreads);
  Value value = op.getResult(0);
  while (value.hasOneUse()) {
    OpOperand &use = *value.getUses().begin();
    auto next = follow(use, dims);
    if (!next)
      return;
    dims = *next;
    consumers.push_back(use.getOwner());
    value = use.getOwner()->getResult(0);
  }
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
    dims = *follow(use, dims);
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
    dims = *follow(*whole.getUses().begin(), dims);
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
