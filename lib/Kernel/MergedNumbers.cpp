//===- MergedNumbers.cpp - a number for all samples -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MergedNumbers.h"

#include <cmath>

using namespace mlir;
using namespace fairway;

void MergedNumbers::error() {
  if (!hadError)
    emitError(place) << "unsupported operation: a number in it depends on "
                        "sizes that are to stay open, and is no sum of "
                        "products of them, or negative for some";
  hadError = true;
}

OpBuilder MergedNumbers::atEntry() {
  OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
  if (last)
    b.setInsertionPointAfter(last);
  return b;
}

Value MergedNumbers::valueOf(unsigned expression) {
  Value &value = loaded[expression];
  if (!value) {
    OpBuilder b = atEntry();
    value = loadExpression(b, kernel, expression);
    last = value.getDefiningOp();
  }
  return value;
}

std::optional<unsigned> MergedNumbers::numberOf(ArrayRef<int64_t> values) {
  std::optional<Polynomial> found = sizes.find(values);
  if (!found) {
    error();
    return std::nullopt;
  }
  return table.numberOf(*found);
}

OpFoldResult MergedNumbers::merge(ArrayRef<int64_t> values) {
  Builder b(kernel.getContext());
  if (llvm::all_equal(values))
    return b.getIndexAttr(values.front());
  std::optional<unsigned> number = numberOf(values);
  return number ? OpFoldResult(valueOf(*number)) : b.getIndexAttr(0);
}

SmallVector<OpFoldResult>
MergedNumbers::merge(ArrayRef<ArrayRef<int64_t>> lists, ValueRange given) {
  SmallVector<OpFoldResult> merged;
  unsigned next = 0;
  for (size_t i = 0; i < lists.front().size(); ++i) {
    if (ShapedType::isDynamic(lists.front()[i])) {
      merged.push_back(given[next++]);
      continue;
    }
    merged.push_back(
        merge(llvm::map_to_vector(lists, [&](auto list) { return list[i]; })));
  }
  return merged;
}

SmallVector<int64_t> MergedNumbers::shape(MemRefType first, Counterparts ops) {
  SmallVector<int64_t> merged(first.getShape());
  for (Operation *op : ops)
    for (auto [extent, other] : llvm::zip(
             merged, cast<MemRefType>(op->getResult(0).getType()).getShape()))
      if (extent != other)
        extent = ShapedType::kDynamic;
  return merged;
}

AffineExpr MergedNumbers::mergeExprs(ArrayRef<AffineExpr> exprs,
                                     unsigned firstSymbol,
                                     SmallVectorImpl<Value> &operands) {
  AffineExpr first = exprs.front();
  if (llvm::all_equal(exprs))
    return first;
  for (AffineExpr other : exprs)
    if (other.getKind() != first.getKind()) {
      error();
      return first;
    }
  if (isa<AffineConstantExpr>(first)) {
    std::optional<unsigned> number =
        numberOf(llvm::map_to_vector(exprs, [](AffineExpr expr) {
          return cast<AffineConstantExpr>(expr).getValue();
        }));
    if (!number)
      return first;
    operands.push_back(valueOf(*number));
    return getAffineSymbolExpr(operands.size() - 1 - firstSymbol,
                               kernel.getContext());
  }
  if (!isa<AffineBinaryOpExpr>(first)) {
    error();
    return first;
  }
  auto side = [&](auto get) {
    return mergeExprs(llvm::map_to_vector(exprs,
                                          [&](AffineExpr expr) {
                                            return get(
                                                cast<AffineBinaryOpExpr>(expr));
                                          }),
                      firstSymbol, operands);
  };
  AffineExpr left = side([](AffineBinaryOpExpr e) { return e.getLHS(); });
  AffineExpr right = side([](AffineBinaryOpExpr e) { return e.getRHS(); });
  return getAffineBinaryOpExpr(first.getKind(), left, right);
}

AffineMap MergedNumbers::mergeMaps(ArrayRef<AffineMap> maps,
                                   SmallVectorImpl<Value> &operands) {
  AffineMap first = maps.front();
  for (AffineMap other : maps)
    if (other.getNumResults() != first.getNumResults() ||
        other.getNumInputs() != first.getNumInputs()) {
      error();
      return first;
    }
  SmallVector<AffineExpr> results;
  for (unsigned i = 0; i < first.getNumResults(); ++i)
    results.push_back(
        mergeExprs(llvm::map_to_vector(
                       maps, [&](AffineMap map) { return map.getResult(i); }),
                   first.getNumDims(), operands));
  return AffineMap::get(first.getNumDims(),
                        operands.size() - first.getNumDims(), results,
                        kernel.getContext());
}

/// A whole number that the value is, or is the reciprocal of.
static std::optional<std::pair<int64_t, bool>>
matchWhole(const APFloat &value) {
  double number = value.convertToDouble();
  if (!std::isfinite(number) || number == 0)
    return std::nullopt;
  constexpr double limit = 1e15;
  if (number == std::trunc(number) && std::abs(number) < limit)
    return std::pair(int64_t(number), false);
  double reciprocal = std::round(1 / number);
  if (std::abs(reciprocal) >= limit)
    return std::nullopt;
  APFloat again(1 / reciprocal);
  bool inexact;
  again.convert(value.getSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  if (!again.bitwiseIsEqual(value))
    return std::nullopt;
  return std::pair(int64_t(reciprocal), true);
}

Value MergedNumbers::mergeFloats(ArrayRef<TypedAttr> constants) {
  SmallVector<int64_t> values;
  bool inverse = false;
  for (TypedAttr constant : constants) {
    auto whole = matchWhole(cast<FloatAttr>(constant).getValue());
    if (!whole || (!values.empty() && whole->second != inverse)) {
      error();
      return {};
    }
    values.push_back(whole->first);
    inverse = whole->second;
  }
  std::optional<unsigned> number = numberOf(values);
  if (!number)
    return {};
  auto type = cast<FloatType>(constants.front().getType());
  OpBuilder b(kernel.getContext());
  b.setInsertionPointAfter(valueOf(*number).getDefiningOp());
  // As the constant was computed: in double precision, then rounded.
  Value index = arith::IndexCastOp::create(b, kernel.getLoc(), b.getI64Type(),
                                           valueOf(*number));
  Value value =
      arith::SIToFPOp::create(b, kernel.getLoc(), b.getF64Type(), index);
  if (inverse) {
    Value one =
        arith::ConstantOp::create(b, kernel.getLoc(), b.getF64FloatAttr(1));
    value = arith::DivFOp::create(b, kernel.getLoc(), one, value);
  }
  if (type.isF64())
    return value;
  return arith::TruncFOp::create(b, kernel.getLoc(), type, value);
}

Value MergedNumbers::mergeConstants(ArrayRef<TypedAttr> constants) {
  if (isa<FloatAttr>(constants.front()))
    return mergeFloats(constants);
  if (!isa<IntegerAttr>(constants.front())) {
    error();
    return {};
  }
  std::optional<unsigned> number =
      numberOf(llvm::map_to_vector(constants, [](TypedAttr constant) {
        return cast<IntegerAttr>(constant).getValue().getSExtValue();
      }));
  if (!number)
    return {};
  Value value = valueOf(*number);
  Type type = constants.front().getType();
  if (type.isIndex())
    return value;
  OpBuilder b(kernel.getContext());
  b.setInsertionPointAfter(value.getDefiningOp());
  return arith::IndexCastOp::create(b, kernel.getLoc(), type, value);
}
