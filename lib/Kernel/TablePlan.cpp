//===- TablePlan.cpp - sums with fixed factors in registers ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TablePlan.h"

using namespace mlir;

namespace fairway {

/// Sums that are unrolled side by side, and products of one sum.
static constexpr int64_t kMaxPoints = 16, kMaxTerms = 64;

/// How many steps of `loop` a table holds in one dimension: all, or as many as
/// it repeats after (`loop mod 2`).
static std::optional<int64_t> getPeriod(AffineMap table, unsigned loop,
                                        int64_t size) {
  std::optional<int64_t> period;
  for (AffineExpr expr : table.getResults()) {
    if (!expr.isFunctionOfDim(loop))
      continue;
    auto rest = dyn_cast<AffineBinaryOpExpr>(expr);
    bool repeats = rest && rest.getKind() == AffineExprKind::Mod &&
                   isa<AffineDimExpr>(rest.getLHS());
    if (period || (!repeats && !isa<AffineDimExpr>(expr)))
      return std::nullopt;
    period =
        repeats ? cast<AffineConstantExpr>(rest.getRHS()).getValue() : size;
  }
  return period;
}

/// Whether the data is the same for all `period` steps of `loop`.
static bool isShared(AffineMap data, unsigned loop, int64_t period) {
  AffineExpr shared =
      getAffineDimExpr(loop, data.getContext()).floorDiv(period);
  return llvm::all_of(data.getResults(), [&](AffineExpr expr) {
    return !expr.isFunctionOfDim(loop) || expr == shared;
  });
}

bool planTable(linalg::GenericOp op, ArrayRef<int64_t> sizes, LoopPlan &plan) {
  std::optional<TableSum> sum = matchTableSum(op);
  if (!sum || plan.horizontal || !plan.vectorDim)
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap table = maps[sum->table], data = maps[sum->data];
  if (table.isFunctionOfDim(*plan.vectorDim))
    return false;
  SmallVector<std::pair<unsigned, int64_t>> unrolled;
  int64_t points = 1, terms = 1;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (kind == utils::IteratorType::reduction) {
      if (ShapedType::isDynamic(sizes[loop]))
        return false;
      terms *= sizes[loop];
    } else if (table.isFunctionOfDim(loop)) {
      std::optional<int64_t> period = getPeriod(table, loop, sizes[loop]);
      if (!period || ShapedType::isDynamic(sizes[loop]) ||
          !isShared(data, loop, *period))
        return false;
      unrolled.emplace_back(loop, *period);
      points *= *period;
    }
  }
  if (unrolled.empty() || unrolled.size() > 2 || points > kMaxPoints ||
      terms > kMaxTerms)
    return false;
  plan.table = sum;
  std::tie(plan.rowDim, plan.rows) = unrolled.back();
  plan.points = points;
  if (unrolled.size() > 1)
    std::tie(plan.lineDim, plan.lines) = unrolled.front();
  return true;
}

} // namespace fairway
