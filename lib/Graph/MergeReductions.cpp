//===- MergeReductions.cpp - sums that run through memory are one loop ----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "fairway/Support/TableSum.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

namespace fairway {
#define GEN_PASS_DEF_MERGEREDUCTIONS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// A transposition reads vectors along dimensions at least this long.
static constexpr int64_t kShortLoop = 16;

/// Runs of loops of `kind` that all operands walk in the same order, without
/// gaps.
static SmallVector<ReassociationIndices> findRuns(linalg::GenericOp op,
                                                  utils::IteratorType kind) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(maps,
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return {};
  SmallVector<ReassociationIndices> runs;
  for (auto [loop, own] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (own != kind)
      continue;
    if (!runs.empty() && runs.back().back() + 1 == int64_t(loop)) {
      ReassociationIndices longer = runs.back();
      longer.push_back(loop);
      if (linalg::areDimSequencesPreserved(maps, {longer})) {
        runs.back() = longer;
        continue;
      }
    }
    runs.push_back({int64_t(loop)});
  }
  llvm::erase_if(
      runs, [](const ReassociationIndices &run) { return run.size() < 2; });
  return runs;
}

/// Whether `op` transposes an operand whose innermost dimension is short
/// (channels of a group), for nobody who writes its result into a larger one.
static bool isShortTransposition(linalg::GenericOp op) {
  if (!isElementwise(op) || op.hasIndexSemantics() ||
      llvm::any_of(op->getUsers(), llvm::IsaPred<tensor::InsertSliceOp>))
    return false;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    AffineMap map = op.getMatchingIndexingMap(input);
    return map.isPermutation() && !map.isIdentity() &&
           sizes[map.getDimPosition(map.getNumResults() - 1)] < kShortLoop;
  });
}

namespace {
struct MergeReductionsPass
    : public fairway::impl::MergeReductionsBase<MergeReductionsPass> {
  void runOnOperation() override {
    SmallVector<std::pair<linalg::GenericOp, utils::IteratorType>> work;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isMultiplyAccumulate(op) && !matchTableSum(op))
        work.emplace_back(op, utils::IteratorType::reduction);
      else if (isShortTransposition(op))
        work.emplace_back(op, utils::IteratorType::parallel);
    });
    IRRewriter rewriter(&getContext());
    for (auto [op, kind] : work) {
      SmallVector<ReassociationIndices> runs = findRuns(op, kind);
      if (runs.empty())
        continue;
      rewriter.setInsertionPoint(op);
      FailureOr<linalg::CollapseResult> merged =
          linalg::collapseOpIterationDims(op, runs, rewriter);
      if (failed(merged))
        continue; // as slow as before, as right as before
      rewriter.replaceOp(op, merged->results);
      ++numMerged;
    }
  }
};
} // namespace
