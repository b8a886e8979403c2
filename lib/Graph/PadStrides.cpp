//===- PadStrides.cpp - rows that do not meet in one set of a cache -------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "fairway/Support/TableSum.h"

namespace fairway {
#define GEN_PASS_DEF_PADSTRIDES
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Addresses this far apart share a set of the nearest cache.
static constexpr int64_t kSetBytes = 4096;
/// What a row becomes longer by.
static constexpr int64_t kPadBytes = 64;

/// The operand whose rows a contraction's registers walk in step: the one that
/// parameters do not determine, summed up along its innermost dimension.
static OpOperand *findRows(linalg::GenericOp op, ParameterOnly &parameterOnly) {
  OpOperand *rows = nullptr;
  for (OpOperand *input : op.getDpsInputOperands())
    if (!parameterOnly.contains(input->get())) {
      if (rows)
        return nullptr;
      rows = input;
    }
  if (!rows)
    return nullptr;
  AffineMap map = op.getMatchingIndexingMap(rows);
  if (map.getNumResults() < 2)
    return nullptr;
  auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
  bool reduced = last && op.getIteratorTypesArray()[last.getPosition()] ==
                             utils::IteratorType::reduction;
  // A transformed image is made in the same kernel, in rows of its own.
  Operation *producer = rows->get().getDefiningOp();
  bool inside = producer && matchTableSum(producer);
  return reduced && !inside ? rows : nullptr;
}

/// Whether one op computes `value` for nobody but generics that read it.
static bool belongsToReaders(Value value) {
  Value source = value;
  if (auto collapse = source.getDefiningOp<tensor::CollapseShapeOp>()) {
    source = collapse.getSrc();
    if (!source.hasOneUse())
      return false;
  }
  return source.getDefiningOp<linalg::GenericOp>() &&
         llvm::all_of(value.getUses(), [](OpOperand &use) {
           auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
           return reader && use.getOperandNumber() < reader->getNumOperands() &&
                  !reader.isDpsInit(&use);
         });
}

/// Makes `value` the leading part of longer rows. Where it is another value
/// with dimensions merged, the rows grow there, so that its producer writes
/// them.
static void padRows(Value value, OpBuilder &b) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t elements = kPadBytes * 8 / type.getElementTypeBitWidth();
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  Value source = collapse ? Value(collapse.getSrc()) : value;
  auto sourceType = cast<RankedTensorType>(source.getType());
  // The outermost of the dimensions that make up a row.
  int64_t grown = sourceType.getRank() - 1;
  if (collapse)
    grown = collapse.getReassociationIndices().back().front();
  int64_t inner = 1;
  for (int64_t size : sourceType.getShape().drop_front(grown + 1))
    inner *= size;
  SmallVector<int64_t> shape(sourceType.getShape());
  shape[grown] += llvm::divideCeil(elements, inner);

  b.setInsertionPointAfterValue(source);
  Location loc = value.getLoc();
  auto slice = [&](RankedTensorType of) {
    return std::tuple(
        SmallVector<OpFoldResult>(of.getRank(), b.getIndexAttr(0)),
        getAsIndexOpFoldResult(b.getContext(), of.getShape()),
        SmallVector<OpFoldResult>(of.getRank(), b.getIndexAttr(1)));
  };
  Value empty =
      tensor::EmptyOp::create(b, loc, shape, sourceType.getElementType());
  auto [zeros, sizes, ones] = slice(sourceType);
  Value padded =
      tensor::InsertSliceOp::create(b, loc, source, empty, zeros, sizes, ones);
  if (collapse)
    padded = tensor::CollapseShapeOp::create(
        b, loc, padded, collapse.getReassociationIndices());
  std::tie(zeros, sizes, ones) = slice(type);
  auto rows =
      tensor::ExtractSliceOp::create(b, loc, type, padded, zeros, sizes, ones);
  if (collapse)
    collapse.replaceAllUsesWith(rows.getResult());
  else
    value.replaceUsesWithIf(rows, [&](OpOperand &use) {
      return use.getOwner() != padded.getDefiningOp();
    });
}

namespace {
struct PadStridesPass : public fairway::impl::PadStridesBase<PadStridesPass> {
  void runOnOperation() override {
    ParameterOnly parameterOnly;
    llvm::SetVector<Value> values;
    getOperation()->walk([&](linalg::GenericOp op) {
      OpOperand *rows =
          isMultiplyAccumulate(op) ? findRows(op, parameterOnly) : nullptr;
      if (!rows)
        return;
      auto type = cast<RankedTensorType>(rows->get().getType());
      int64_t rowBytes =
          type.getShape().back() * type.getElementTypeBitWidth() / 8;
      bool several = type.getNumElements() > type.getShape().back();
      if (several && rowBytes % kSetBytes == 0 && belongsToReaders(rows->get()))
        values.insert(rows->get());
    });
    OpBuilder builder(&getContext());
    for (Value value : values)
      padRows(value, builder);
    numPadded += values.size();
  }
};
} // namespace
