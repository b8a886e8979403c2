//===- FuseElementwise.cpp - element-wise chains become one op
//----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Whether the body reads tensors at places that it computes.
static bool gathers(linalg::GenericOp op) {
  return !op.getBody()->getOps<tensor::ExtractOp>().empty();
}

/// Fusing a producer must not repeat work and must leave contractions and
/// windows as they are: later stages recognise those by their body and maps.
static bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || isMultiplyAccumulate(consumer) ||
      hasWindow(consumer))
    return false;
  // Counters and constants; what reads by them (a mask) is work like any other.
  if (producer.getNumDpsInputs() == 0 && !gathers(producer))
    return true;
  if (isCopy(producer))
    return producer->hasOneUse() ||
           producer.getMatchingIndexingMap(producer.getDpsInputOperand(0))
               .isProjectedPermutation();
  return producer->hasOneUse() &&
         getNumIterations(producer) >= getNumIterations(consumer);
}

/// True if the reshape only adds or drops dimensions of size one.
template <typename ReshapeOp>
static bool changesUnitDimsOnly(ReshapeOp reshape, RankedTensorType expanded) {
  return llvm::all_of(reshape.getReassociationIndices(), [&](auto &group) {
    return llvm::count_if(group, [&](int64_t dim) {
             return expanded.getDimSize(dim) != 1;
           }) <= 1;
  });
}

/// Moving a reshape past a generic lets its neighbours fuse. Windows keep
/// their operands as they are; a view of an argument, or one that differs in
/// dimensions of size one, costs nothing where it is.
static bool shouldMoveReshape(OpOperand *operand) {
  if (auto collapse = operand->get().getDefiningOp<tensor::CollapseShapeOp>())
    if (isa<BlockArgument>(collapse.getSrc()) ||
        changesUnitDimsOnly(collapse, collapse.getSrcType()))
      return false;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(operand->getOwner()))
    if (changesUnitDimsOnly(expand, expand.getResultType()))
      return false;
  auto isBarrier = [](Operation *op) {
    auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
    return generic && hasWindow(generic);
  };
  return !isBarrier(operand->get().getDefiningOp()) &&
         !isBarrier(operand->getOwner());
}

namespace {
struct FuseElementwise
    : public fairway::impl::FuseElementwiseBase<FuseElementwise> {
  using FuseElementwiseBase::FuseElementwiseBase;

  void runOnOperation() override {
    MLIRContext *ctx = &getContext();
    RewritePatternSet patterns(ctx);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    if (moveReshapes) {
      linalg::populateFoldReshapeOpsByExpansionPatterns(patterns,
                                                        shouldMoveReshape);
      tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, ctx);
      tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, ctx);
    }
    linalg::GenericOp::getCanonicalizationPatterns(patterns, ctx);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    populateMathAlgebraicSimplificationPatterns(patterns);
    // Those leave a constant behind each time they look at a large whole power.
    math::populateExpansionPatterns(patterns, {"fpowi"});
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal();
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
