//===- TableSlices.cpp - tiles read whole tables --------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TableSlices.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

/// Whether a slice leaves whole what is not read modulo something.
static bool cutsPeriodsOnly(tensor::ExtractSliceOp slice, AffineMap map) {
  if (!slice.hasUnitStride() ||
      slice.getType().getRank() != slice.getSourceType().getRank())
    return false;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    bool repeats = expr.getKind() == AffineExprKind::Mod;
    bool whole = slice.getType().getDimSize(dim) ==
                 slice.getSourceType().getDimSize(dim);
    if (!repeats && !whole)
      return false;
  }
  return true;
}

namespace {
struct ReadWholeTable : public OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto slice = input->get().getDefiningOp<tensor::ExtractSliceOp>();
      if (!slice || !slice.getSource().getDefiningOp<arith::ConstantOp>() ||
          !cutsPeriodsOnly(slice, op.getMatchingIndexingMap(input)))
        continue;
      rewriter.modifyOpInPlace(op, [&] { input->set(slice.getSource()); });
      return success();
    }
    return failure();
  }
};
} // namespace

void fairway::populateTableSlices(RewritePatternSet &patterns) {
  patterns.add<ReadWholeTable>(patterns.getContext());
}
