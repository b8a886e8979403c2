//===- SampleDims.cpp - where the samples of a batch lie ------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SampleDims.h"
#include "GraphUtils.h"

using namespace mlir;
using namespace fairway;

RankedTensorType BatchSlices::getType(RankedTensorType whole,
                                      SampleDim sample) const {
  SmallVector<int64_t> shape(whole.getShape());
  if (isDropped(sample))
    shape.erase(shape.begin() + sample.dim);
  else
    shape[sample.dim] = size * sample.inner;
  return RankedTensorType::get(shape, whole.getElementType());
}

std::optional<SampleDim> SampleDims::get(Value value) const {
  auto it = known.find(value);
  return it == known.end() ? std::nullopt : std::optional(it->second);
}

LogicalResult SampleDims::set(Value value, SampleDim sample) {
  auto [it, isNew] = known.try_emplace(value, sample);
  return success(isNew || it->second == sample);
}

std::optional<Reshape> fairway::getReshape(Operation *op) {
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return Reshape{expand.getSrc(), expand.getResult(),
                   expand.getReassociationIndices(), false};
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    return Reshape{collapse.getSrc(), collapse.getResult(),
                   collapse.getReassociationIndices(), true};
  return std::nullopt;
}

std::optional<SampleDim> SampleDims::cross(const Reshape &reshape,
                                           SampleDim sample,
                                           bool forward) const {
  RankedTensorType expanded = reshape.getExpandedType();
  bool toCollapsed = forward == reshape.collapses;
  for (auto [number, group] : llvm::enumerate(reshape.groups)) {
    if (toCollapsed ? !llvm::is_contained(group, sample.dim)
                    : int64_t(number) != sample.dim)
      continue;
    // The samples are the outermost of the dimensions that are one.
    const int64_t *outer = llvm::find_if(
        group, [&](int64_t dim) { return expanded.getDimSize(dim) != 1; });
    if (outer == group.end() || expanded.getDimSize(*outer) % slices.samples)
      return std::nullopt;
    SampleDim inExpanded{*outer, expanded.getDimSize(*outer) / slices.samples};
    if (toCollapsed && inExpanded != sample)
      return std::nullopt;
    SampleDim inCollapsed{int64_t(number), inExpanded.inner};
    for (int64_t dim : ArrayRef(outer + 1, group.end()))
      inCollapsed.inner *= expanded.getDimSize(dim);
    // Dimensions of one element that would be left without a group.
    if (slices.isDropped(inCollapsed) && group.size() > 1)
      return std::nullopt;
    return toCollapsed ? inCollapsed : inExpanded;
  }
  return std::nullopt;
}

/// True for what a kernel's caller gives it to write.
static bool isDestination(BlockArgument arg) {
  auto func = dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp());
  auto outs = func ? func->getAttrOfType<IntegerAttr>(kNumOutsAttr) : nullptr;
  return outs && arg.getArgNumber() >= func.getNumArguments() - outs.getInt();
}

LogicalResult SampleDims::require(Value value, SampleDim sample) {
  if (std::optional<SampleDim> there = get(value))
    return success(*there == sample);
  Operation *def = value.getDefiningOp();
  if (failed(set(value, sample)))
    return failure();
  if (!def)
    return success(isDestination(cast<BlockArgument>(value)));
  if (isa<tensor::EmptyOp>(def))
    return success();
  if (auto fill = dyn_cast<linalg::FillOp>(def))
    return require(fill.getOutputs()[0], sample);
  if (auto generic = dyn_cast<linalg::GenericOp>(def)) {
    OpOperand *init = generic.getTiedOpOperand(cast<OpResult>(value));
    auto loop = getSampleLoop(generic, init->getOperandNumber(), sample);
    return loop ? spread(generic, *loop, sample.inner) : failure();
  }
  if (std::optional<Reshape> reshape = getReshape(def)) {
    auto source = cross(*reshape, sample, /*forward=*/false);
    return source ? require(reshape->source, *source) : failure();
  }
  return failure();
}

std::optional<unsigned> fairway::getSampleLoop(linalg::GenericOp op,
                                               unsigned number,
                                               SampleDim sample) {
  AffineMap map = op.getMatchingIndexingMap(&op->getOpOperand(number));
  auto loop = dyn_cast<AffineDimExpr>(map.getResult(sample.dim));
  if (!loop)
    return std::nullopt;
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    if (int64_t(dim) != sample.dim && expr.isFunctionOfDim(loop.getPosition()))
      return std::nullopt;
  return loop.getPosition();
}

/// Loop `loop` runs over the samples: then it does for every operand.
LogicalResult SampleDims::spread(linalg::GenericOp op, unsigned loop,
                                 int64_t inner) {
  // What the body reads by itself is the same for all samples.
  bool captures = false;
  op.getBody()->walk([&](Operation *inside) {
    auto index = dyn_cast<linalg::IndexOp>(inside);
    captures |= index && index.getDim() == loop;
    for (Value operand : inside->getOperands())
      captures |= get(operand).has_value();
  });
  if (captures ||
      op.getIteratorTypesArray()[loop] != utils::IteratorType::parallel)
    return failure();
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    std::optional<unsigned> dim =
        map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
    if (!dim) {
      if (map.isFunctionOfDim(loop) || op.isDpsInit(&operand) ||
          get(operand.get()))
        return failure();
      continue;
    }
    SampleDim sample{*dim, inner};
    if (getSampleLoop(op, operand.getOperandNumber(), sample) != loop ||
        failed(require(operand.get(), sample)))
      return failure();
    if (op.isDpsInit(&operand) &&
        failed(set(op.getTiedOpResult(&operand), sample)))
      return failure();
  }
  return success();
}

LogicalResult SampleDims::visitGeneric(linalg::GenericOp op) {
  for (OpOperand &operand : op->getOpOperands())
    if (std::optional<SampleDim> sample = get(operand.get())) {
      auto loop = getSampleLoop(op, operand.getOperandNumber(), *sample);
      return loop ? spread(op, *loop, sample->inner) : failure();
    }
  // Captured samples are read in an order that only the body knows.
  return success(llvm::none_of(getAllOperands(op), [&](Value operand) {
    return get(operand).has_value();
  }));
}

/// A part of each sample becomes a part of each sample.
LogicalResult SampleDims::visitSlice(Value part, Value whole,
                                     OffsetSizeAndStrideOpInterface op,
                                     RankedTensorType wholeType,
                                     const llvm::SmallBitVector &droppedDims) {
  std::optional<SampleDim> sample = get(whole), inPart = get(part);
  int64_t partDim = 0;
  if (!sample) { // From the part to what it is inserted into.
    if (!inPart)
      return success();
    for (int64_t dim = 0, e = wholeType.getRank(); dim < e; ++dim)
      if (!droppedDims.test(dim) && partDim++ == inPart->dim)
        sample = {dim, inPart->inner};
    if (failed(require(whole, *sample)))
      return failure();
  }
  if (droppedDims.test(sample->dim))
    return failure();
  partDim = 0;
  for (int64_t dim = 0; dim < sample->dim; ++dim)
    partDim += !droppedDims.test(dim);
  if (op.isDynamicOffset(sample->dim) || op.getStaticOffset(sample->dim) != 0 ||
      op.isDynamicSize(sample->dim) ||
      op.getStaticSize(sample->dim) != wholeType.getDimSize(sample->dim) ||
      op.isDynamicStride(sample->dim) || op.getStaticStride(sample->dim) != 1)
    return failure();
  SampleDim found{partDim, sample->inner};
  return part.getDefiningOp() == op ? set(part, found) : require(part, found);
}

LogicalResult SampleDims::visit(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return visitGeneric(generic);
  if (auto extract = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (!get(extract.getSource()))
      return success();
    return visitSlice(extract.getResult(), extract.getSource(), extract,
                      extract.getSourceType(), extract.getDroppedDims());
  }
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    bool any = get(insert.getSource()) || get(insert.getDest());
    if (failed(visitSlice(insert.getSource(), insert.getDest(), insert,
                          insert.getDestType(), insert.getDroppedDims())))
      return failure();
    return any ? set(insert.getResult(), *get(insert.getDest())) : success();
  }
  if (std::optional<Reshape> reshape = getReshape(op)) {
    std::optional<SampleDim> sample = get(reshape->source);
    if (!sample)
      return success();
    auto result = cross(*reshape, *sample, /*forward=*/true);
    return result ? set(reshape->result, *result) : failure();
  }
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    std::optional<SampleDim> sample = get(fill.getOutputs()[0]);
    return sample ? set(fill.getResult(0), *sample) : success();
  }
  bool touches = llvm::any_of(getAllOperands(op), [&](Value operand) {
    return get(operand).has_value();
  });
  return success(!touches || isa<func::ReturnOp>(op));
}
