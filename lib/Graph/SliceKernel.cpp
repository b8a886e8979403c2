//===- SliceKernel.cpp - a kernel for some samples of a batch -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "KernelCost.h"
#include "SampleDims.h"

using namespace mlir;
using namespace fairway;

namespace {
/// Copies ops of the whole batch for one slice.
class OpSlicer {
public:
  OpSlicer(OpBuilder &builder, const SampleDims &dims, BatchSlices slices,
           IRMapping &mapping)
      : builder(builder), dims(dims), slices(slices), mapping(mapping) {}

  void slice(Operation *op);

private:
  RankedTensorType getType(Value value) const;
  std::optional<int64_t> getDropped(Value value) const;
  void sliceGeneric(linalg::GenericOp op, SampleDim sample, unsigned loop);
  Value sliceReshape(const Reshape &reshape);
  void slicePart(Operation *op);

  OpBuilder &builder;
  const SampleDims &dims;
  BatchSlices slices;
  IRMapping &mapping;
};
} // namespace

RankedTensorType OpSlicer::getType(Value value) const {
  auto type = cast<RankedTensorType>(value.getType());
  std::optional<SampleDim> sample = dims.get(value);
  return sample ? slices.getType(type, *sample) : type;
}

/// The dimension that the slice of `value` lacks, if any.
std::optional<int64_t> OpSlicer::getDropped(Value value) const {
  std::optional<SampleDim> sample = dims.get(value);
  if (!sample || !slices.isDropped(*sample))
    return std::nullopt;
  return sample->dim;
}

void OpSlicer::sliceGeneric(linalg::GenericOp op, SampleDim sample,
                            unsigned loop) {
  SmallVector<Value> inputs, inits;
  SmallVector<Type> results;
  for (Value input : op.getInputs())
    inputs.push_back(mapping.lookup(input));
  for (Value init : op.getOutputs())
    inits.push_back(mapping.lookup(init));
  for (Value result : op.getResults())
    results.push_back(getType(result));
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> loops = op.getIteratorTypesArray();
  bool drops = slices.isDropped(sample);
  if (drops) {
    SmallVector<AffineExpr> dimensions;
    for (unsigned i = 0, e = loops.size(); i < e; ++i)
      dimensions.push_back(
          i == loop ? builder.getAffineConstantExpr(0)
                    : builder.getAffineDimExpr(i - (i > loop ? 1 : 0)));
    for (auto [map, operand] : llvm::zip(maps, op->getOperands())) {
      if (std::optional<int64_t> dim = getDropped(operand))
        map = map.dropResult(*dim);
      map = map.replaceDimsAndSymbols(dimensions, {}, loops.size() - 1, 0);
    }
    loops.erase(loops.begin() + loop);
  }
  auto sliced = linalg::GenericOp::create(builder, op.getLoc(), results, inputs,
                                          inits, maps, loops);
  op.getRegion().cloneInto(&sliced.getRegion(), mapping);
  if (drops)
    sliced.getBody()->walk([&](linalg::IndexOp index) {
      if (index.getDim() > loop)
        index.setDim(index.getDim() - 1);
    });
  sliced->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  for (auto [from, to] : llvm::zip(op.getResults(), sliced.getResults()))
    mapping.map(from, to);
}

Value OpSlicer::sliceReshape(const Reshape &reshape) {
  std::optional<int64_t> inExpanded =
      getDropped(reshape.collapses ? reshape.source : reshape.result);
  std::optional<int64_t> inCollapsed =
      getDropped(reshape.collapses ? reshape.result : reshape.source);
  SmallVector<ReassociationIndices> kept;
  int64_t next = 0;
  for (auto [number, group] : llvm::enumerate(reshape.groups)) {
    if (inCollapsed && int64_t(number) == *inCollapsed)
      continue;
    ReassociationIndices &left = kept.emplace_back();
    for (int64_t dim : group)
      if (!inExpanded || dim != *inExpanded)
        left.push_back(next++);
  }
  Value sliced = mapping.lookup(reshape.source);
  if (llvm::all_of(kept, [](auto &group) { return group.size() == 1; }))
    return sliced;
  Location loc = reshape.result.getLoc();
  RankedTensorType type = getType(reshape.result);
  if (reshape.collapses)
    return tensor::CollapseShapeOp::create(builder, loc, type, sliced, kept);
  return tensor::ExpandShapeOp::create(builder, loc, type, sliced, kept);
}

/// A slice of a part of each sample, or one that becomes such a part.
void OpSlicer::slicePart(Operation *op) {
  auto part = cast<OffsetSizeAndStrideOpInterface>(op);
  auto insert = dyn_cast<tensor::InsertSliceOp>(op);
  Value whole = insert ? insert.getDest() : op->getOperand(0);
  SmallVector<OpFoldResult> offsets = part.getMixedOffsets(),
                            sizes = part.getMixedSizes(),
                            strides = part.getMixedStrides();
  SampleDim sample = *dims.get(whole);
  if (slices.isDropped(sample))
    for (auto *list : {&offsets, &sizes, &strides})
      list->erase(list->begin() + sample.dim);
  else
    sizes[sample.dim] = builder.getIndexAttr(slices.size * sample.inner);
  auto map = [&](OpFoldResult &value) {
    if (auto dynamic = dyn_cast<Value>(value))
      value = mapping.lookupOrDefault(dynamic);
  };
  for (auto *list : {&offsets, &sizes, &strides})
    llvm::for_each(*list, map);
  Value result;
  if (insert)
    result = tensor::InsertSliceOp::create(
        builder, op->getLoc(), mapping.lookup(insert.getSource()),
        mapping.lookup(whole), offsets, sizes, strides);
  else
    result = tensor::ExtractSliceOp::create(
        builder, op->getLoc(), getType(op->getResult(0)), mapping.lookup(whole),
        offsets, sizes, strides);
  mapping.map(op->getResult(0), result);
}

void OpSlicer::slice(Operation *op) {
  bool whole = op->getNumResults() == 0 || !dims.get(op->getResult(0));
  if (whole) {
    builder.clone(*op, mapping);
    return;
  }
  Value result = op->getResult(0);
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    OpOperand *init = generic.getDpsInitOperand(0);
    SampleDim sample = *dims.get(result);
    sliceGeneric(generic, sample,
                 *getSampleLoop(generic, init->getOperandNumber(), sample));
  } else if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    RankedTensorType type = getType(result);
    mapping.map(result,
                tensor::EmptyOp::create(builder, op->getLoc(), type.getShape(),
                                        type.getElementType()));
  } else if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    mapping.map(result, linalg::FillOp::create(
                            builder, op->getLoc(),
                            mapping.lookupOrDefault(fill.getInputs()[0]),
                            mapping.lookup(fill.getOutputs()[0]))
                            .getResult(0));
  } else if (std::optional<Reshape> reshape = getReshape(op)) {
    mapping.map(result, sliceReshape(*reshape));
  } else {
    slicePart(op);
  }
}

void fairway::sliceOp(OpBuilder &builder, Operation *op, const SampleDims &dims,
                      BatchSlices slices, IRMapping &mapping) {
  OpSlicer(builder, dims, slices, mapping).slice(op);
}

func::FuncOp fairway::sliceKernel(func::FuncOp kernel, const SampleDims &dims,
                                  BatchSlices slices) {
  auto typeOf = [&](Value value) -> Type {
    std::optional<SampleDim> sample = dims.get(value);
    return sample ? slices.getType(cast<RankedTensorType>(value.getType()),
                                   *sample)
                  : value.getType();
  };
  Block &body = kernel.getBody().front();
  Operation *ret = body.getTerminator();
  SmallVector<Type> inputs, results;
  for (Value arg : body.getArguments())
    inputs.push_back(typeOf(arg));
  for (Value result : ret->getOperands())
    results.push_back(typeOf(result));
  OpBuilder builder(kernel.getContext());
  auto sliced = func::FuncOp::create(kernel.getLoc(), kernel.getName(),
                                     builder.getFunctionType(inputs, results));
  sliced.setPrivate();
  sliced->setDiscardableAttrs(kernel->getDiscardableAttrDictionary());
  Block *block = sliced.addEntryBlock();
  builder.setInsertionPointToStart(block);
  IRMapping mapping;
  mapping.map(body.getArguments(), block->getArguments());
  int64_t flops = 0;
  for (Operation &op : body)
    sliceOp(builder, &op, dims, slices, mapping);
  for (Operation &op : *block)
    flops += countFlops(&op);
  sliced->setAttr("fairway.flops", builder.getI64IntegerAttr(flops));
  sliced->setAttr("fairway.bytes",
                  builder.getI64IntegerAttr(countBytes(sliced)));
  return sliced;
}
