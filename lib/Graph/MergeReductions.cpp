//===- MergeReductions.cpp - sums that run through memory are one loop ----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

namespace fairway {
#define GEN_PASS_DEF_MERGEREDUCTIONS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Runs of reductions that all operands walk in the same order, without gaps.
static SmallVector<ReassociationIndices> findRuns(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(maps,
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return {};
  SmallVector<ReassociationIndices> runs;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (kind != utils::IteratorType::reduction)
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

namespace {
struct MergeReductionsPass
    : public fairway::impl::MergeReductionsBase<MergeReductionsPass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> contractions;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (isMultiplyAccumulate(op))
        contractions.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : contractions) {
      SmallVector<ReassociationIndices> runs = findRuns(op);
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
