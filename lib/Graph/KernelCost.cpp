//===- KernelCost.cpp - what a kernel computes and moves ------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCost.h"
#include "GraphUtils.h"
#include "fairway/Support/TableSum.h"

using namespace mlir;
using namespace fairway;

/// Whether `op` is one operation of a floating-point or integer unit on data.
static bool isArithmetic(Operation &op) {
  if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()) ||
      isa<arith::ConstantOp, arith::SelectOp>(op) ||
      op.hasTrait<OpTrait::ConstantLike>() || isa<CastOpInterface>(op))
    return false;
  return llvm::none_of(op.getOperandTypes(),
                       [](Type type) { return type.isIndex(); });
}

int64_t fairway::countFlops(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return 0;
  int64_t flops = getNumIterations(linalgOp) *
                  llvm::count_if(*linalgOp.getBlock(), isArithmetic);
  // Factors of zero are left out.
  if (std::optional<TableSum> table = matchTableSum(op))
    return std::llround(double(flops) * table->density());
  return flops;
}

/// How many different values `expr` takes over the loops' `ranges`.
static int64_t countValues(AffineExpr expr, ArrayRef<int64_t> ranges) {
  SmallVector<int64_t> factors;
  if (failed(getFlattenedAffineExpr(expr, ranges.size(), 0, &factors)) ||
      factors.size() != ranges.size() + 1)
    return std::numeric_limits<int64_t>::max();
  SmallVector<std::pair<int64_t, int64_t>> terms;
  for (auto [factor, range] : llvm::zip(factors, ranges))
    if (factor && range > 1)
      terms.push_back({std::abs(factor), range});
  llvm::sort(terms);
  // A step that is no longer than what the steps before fill leaves no gap.
  int64_t values = 1;
  bool gaps = false;
  for (auto [factor, range] : terms) {
    gaps |= factor > values;
    values = gaps ? values * range : values + factor * (range - 1);
  }
  return values;
}

static int64_t countElements(AffineMap map, ArrayRef<int64_t> ranges,
                             RankedTensorType type) {
  int64_t elements = 1;
  for (auto [expr, extent] : llvm::zip(map.getResults(), type.getShape()))
    elements *= std::min(countValues(expr, ranges), extent);
  return elements;
}

/// Elements of `value` that its users touch: those of its parts together, or
/// what one user that takes all of it touches.
static int64_t countTouched(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t parts = 0, most = 0;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isReshape(user) || isa<tensor::CastOp>(user)) {
      most = std::max(most, countTouched(user->getResult(0)));
    } else if (isa<tensor::ExtractSliceOp>(user)) {
      parts += countTouched(user->getResult(0));
    } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(user)) {
      parts += insert.getSourceType().getNumElements();
      if (&use == &insert.getDestMutable())
        parts += countTouched(insert.getResult());
    } else if (isa<tensor::ExtractOp>(user)) {
      auto around = user->getParentOfType<linalg::LinalgOp>();
      parts += around ? getNumIterations(around) : 1;
    } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(user)) {
      most =
          std::max(most, countElements(linalgOp.getMatchingIndexingMap(&use),
                                       linalgOp.getStaticLoopRanges(), type));
    } else if (!isa<func::ReturnOp>(user)) {
      most = type.getNumElements();
    }
  }
  return std::min(type.getNumElements(), std::max(parts, most));
}

int64_t fairway::countBytes(func::FuncOp kernel) {
  int64_t bytes = 0;
  for (BlockArgument argument : kernel.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      if (type.getNumElements() > 0)
        bytes += countTouched(argument) * getSizeInBytes(type) /
                 type.getNumElements();
  return bytes;
}
