//===- SpreadConvolution.cpp - a convolution between inserted zeros -------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SpreadConvolution.h"
#include "GraphUtils.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fairway;

/// A transposed convolution becomes at most this many convolutions.
static constexpr int64_t kMaxParts = 16;

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

std::optional<SmallVector<unsigned>>
fairway::followUse(OpOperand &use, ArrayRef<unsigned> dims) {
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

SmallVector<unsigned> fairway::getOutDims(ArrayRef<Spread> spreads) {
  return llvm::map_to_vector(
      spreads, [](const Spread &spread) { return spread.outDim; });
}

void SpreadConvolution::findConsumers() {
  SmallVector<unsigned> dims = getOutDims(spreads);
  Value value = op.getResult(0);
  while (value.hasOneUse()) {
    OpOperand &use = *value.getUses().begin();
    auto next = followUse(use, dims);
    if (!next)
      return;
    dims = *next;
    consumers.push_back(use.getOwner());
    value = use.getOwner()->getResult(0);
  }
}
