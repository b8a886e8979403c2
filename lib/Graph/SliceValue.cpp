//===- SliceValue.cpp - a part of a value, computed as that ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SliceValue.h"
#include "GraphUtils.h"

using namespace mlir;

namespace fairway {

namespace {
/// `cuts` as the operands of a slice of `shape`.
struct Slice {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  Slice(Builder &b, ArrayRef<int64_t> shape, ArrayRef<Cut> cuts)
      : offsets(shape.size(), b.getIndexAttr(0)),
        sizes(getAsIndexOpFoldResult(b.getContext(), shape)),
        strides(shape.size(), b.getIndexAttr(1)) {
    for (const Cut &cut : cuts) {
      offsets[cut.dim] = b.getIndexAttr(cut.first);
      sizes[cut.dim] = b.getIndexAttr(cut.count);
      strides[cut.dim] = b.getIndexAttr(cut.step);
    }
  }
};
} // namespace

RankedTensorType getSliceType(RankedTensorType type, ArrayRef<Cut> cuts) {
  SmallVector<int64_t> shape(type.getShape());
  for (const Cut &cut : cuts)
    shape[cut.dim] = cut.count;
  return type.clone(shape);
}

/// The cuts of the dimensions that `map` reads with loops that are cut; nothing
/// if such a loop is used in any other way.
static std::optional<SmallVector<Cut>> mapCuts(AffineMap map,
                                               ArrayRef<Cut> cuts) {
  SmallVector<Cut> result;
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    for (const Cut &cut : cuts) {
      if (!expr.isFunctionOfDim(cut.dim))
        continue;
      if (!isa<AffineDimExpr>(expr))
        return std::nullopt;
      result.push_back({unsigned(dim), cut.first, cut.count, cut.step});
    }
  return result;
}

Value sliceElementwise(OpBuilder &b, linalg::GenericOp op, ArrayRef<Cut> cuts,
                       OpOperand *operand, Value known) {
  SmallVector<Value> inputs;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (input == operand)
      inputs.push_back(known);
    else if (auto own = mapCuts(op.getMatchingIndexingMap(input), cuts))
      inputs.push_back(sliceValue(b, input->get(), *own));
    else
      return {};
  }
  auto type =
      getSliceType(cast<RankedTensorType>(op.getResult(0).getType()), cuts);
  Value empty = tensor::EmptyOp::create(b, op.getLoc(), type.getShape(),
                                        type.getElementType());
  auto part = linalg::GenericOp::create(
      b, op.getLoc(), TypeRange{type}, inputs, ValueRange{empty},
      op.getIndexingMapsArray(), op.getIteratorTypesArray());
  IRMapping mapping;
  op.getRegion().cloneInto(&part.getRegion(), mapping);
  return part.getResult(0);
}

Value sliceValue(OpBuilder &b, Value value, ArrayRef<Cut> cuts) {
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType part = getSliceType(type, cuts);
  if (part == type)
    return value;
  Location loc = value.getLoc();
  Operation *def = value.getDefiningOp();
  if (isa_and_nonnull<tensor::EmptyOp>(def))
    return tensor::EmptyOp::create(b, loc, part.getShape(),
                                   part.getElementType());
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(def)) {
    Value empty = sliceValue(b, fill.getOutputs()[0], cuts);
    return linalg::FillOp::create(b, loc, fill.getInputs(), ValueRange{empty})
        .getResult(0);
  }
  if (auto generic = dyn_cast_or_null<linalg::GenericOp>(def);
      generic && isElementwise(generic) && isCopy(generic) &&
      !generic.getInputs().empty())
    if (Value copy = sliceElementwise(b, generic, cuts))
      return copy;
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(def)) {
    SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
    SmallVector<Cut> own;
    for (const Cut &cut : cuts)
      for (auto [dim, group] : llvm::enumerate(groups))
        if (group.size() == 1 && group[0] == int64_t(cut.dim))
          own.push_back({unsigned(dim), cut.first, cut.count, cut.step});
    if (own.size() == cuts.size())
      return tensor::ExpandShapeOp::create(
          b, loc, part, sliceValue(b, expand.getSrc(), own), groups);
  }
  return extractCuts(b, part, value, cuts);
}

Value extractCuts(OpBuilder &b, RankedTensorType type, Value value,
                  ArrayRef<Cut> cuts) {
  Slice slice(b, cast<RankedTensorType>(value.getType()).getShape(), cuts);
  return tensor::ExtractSliceOp::create(b, value.getLoc(), type, value,
                                        slice.offsets, slice.sizes,
                                        slice.strides);
}

Value insertCuts(OpBuilder &b, Location loc, Value part, Value dest,
                 ArrayRef<Cut> cuts) {
  Slice slice(b, cast<RankedTensorType>(dest.getType()).getShape(), cuts);
  return tensor::InsertSliceOp::create(b, loc, part, dest, slice.offsets,
                                       slice.sizes, slice.strides);
}

} // namespace fairway
