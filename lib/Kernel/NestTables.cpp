//===- NestTables.cpp - sums with known factors ---------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NestBuilder.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fairway {

static bool isZero(Value value) {
  if (auto splat = value.getDefiningOp<vector::BroadcastOp>())
    value = splat.getSource();
  return matchPattern(value, m_AnyZeroFloat());
}

/// `sum + factor * value` without a multiplication where the factor is one; no
/// sum is zero.
static Value addTerm(OpBuilder &b, Location loc, Value sum,
                     const APFloat &factor, Value value) {
  if (factor.isExactlyValue(-1.0))
    return sum ? Value(arith::SubFOp::create(b, loc, sum, value))
               : Value(arith::NegFOp::create(b, loc, value));
  if (!factor.isExactlyValue(1.0)) {
    Attribute scalar = b.getFloatAttr(getElementTypeOrSelf(value), factor);
    auto type = dyn_cast<VectorType>(value.getType());
    auto times = type ? TypedAttr(DenseElementsAttr::get(type, scalar))
                      : cast<TypedAttr>(scalar);
    value = arith::MulFOp::create(b, loc, value,
                                  arith::ConstantOp::create(b, loc, times));
  }
  return sum ? Value(arith::AddFOp::create(b, loc, sum, value)) : value;
}

/// Adds up all terms of a table sum whose factor is not zero. Every point of
/// the tile reads the same data.
Values NestBuilder::reduceTable(ValueRange initial) {
  Values sums;
  for (Value value : initial)
    sums.push_back(isZero(value) ? Value() : value);
  AffineMap table =
      main.getMatchingIndexingMap(&main->getOpOperand(plan.table->table));
  SmallVector<int64_t> strides =
      computeSuffixProduct(plan.table->factors.getType().getShape());
  auto factors = plan.table->factors.getValues<APFloat>();

  SmallVector<int64_t> lengths;
  int64_t terms = 1;
  for (unsigned dim : plan.reductions) {
    lengths.push_back(*getConstantIntValue(sizes[dim]));
    terms *= lengths.back();
  }
  // Where in the table a point is; blocks of points begin at its beginning.
  SmallVector<int64_t> at(main.getNumLoops(), 0);
  for (int64_t term = 0; term < terms; ++term) {
    for (auto [dim, index] :
         llvm::zip(plan.reductions,
                   delinearize(term, computeSuffixProduct(lengths)))) {
      at[dim] = index;
      ivs[dim] = b.getIndexAttr(index);
    }
    BodyEmitter body(b, main, mainSite());
    unsigned number = 0;
    forEachPoint([&](BodyEmitter::Point point) {
      at[*plan.rowDim] = point.row;
      if (plan.lineDim)
        at[*plan.lineDim] = point.line;
      APFloat factor = factors[linearize(table.compose(at), strides)];
      Value &sum = sums[number++];
      if (factor.isZero())
        return;
      Value data =
          body.load(plan.table->data, {/*row=*/0, point.column, point.lanes});
      sum = addTerm(b, main.getLoc(), sum, factor, data);
    });
  }
  for (auto [sum, value] : llvm::zip(sums, initial))
    if (!sum)
      sum = value;
  return sums;
}

} // namespace fairway
