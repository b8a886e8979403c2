//===- LowerVectors.cpp - vector ops to one-dimensional ones
//---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/Passes.h"

#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fairway {
#define GEN_PASS_DEF_FAIRWAYLOWERVECTORS
#include "fairway/Target/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

struct LowerVectors : fairway::impl::FairwayLowerVectorsBase<LowerVectors> {
  LogicalResult run(RewritePatternSet &&patterns) {
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }

  void runOnOperation() override {
    MLIRContext *context = &getContext();

    // No multi_reduction, contraction or outer product any more.
    RewritePatternSet reductions(context);
    vector::populateVectorMultiReductionLoweringPatterns(
        reductions, vector::VectorMultiReductionLowering::InnerReduction);
    vector::populateVectorContractLoweringPatterns(
        reductions, vector::VectorContractLowering::OuterProduct);
    vector::populateVectorOuterProductLoweringPatterns(reductions);
    vector::populateVectorMaskOpLoweringPatterns(reductions);
    vector::populateVectorMaskLoweringPatternsForSideEffectingOps(reductions);
    if (failed(run(std::move(reductions))))
      return signalPassFailure();

    // Transfers: innermost dimension last and of rank one, unrolled.
    RewritePatternSet transfers(context);
    vector::populateVectorTransferPermutationMapLoweringPatterns(transfers);
    populateVectorToSCFConversionPatterns(
        transfers, VectorTransferToSCFOptions().enableFullUnroll());
    if (failed(run(std::move(transfers))))
      return signalPassFailure();

    // Only one-dimensional vectors; transfers are loads, stores or masked ones.
    RewritePatternSet finish(context);
    vector::populateVectorBitCastLoweringPatterns(finish);
    vector::populateVectorBroadcastLoweringPatterns(finish);
    vector::populateVectorMaskOpLoweringPatterns(finish);
    vector::populateVectorShapeCastLoweringPatterns(finish);
    vector::populateVectorInterleaveLoweringPatterns(finish);
    vector::populateVectorTransposeLoweringPatterns(
        finish, vector::VectorTransposeLowering::Shuffle1D);
    vector::populateVectorTransferLoweringPatterns(finish,
                                                   /*maxTransferRank=*/1);
    vector::populateVectorMaskMaterializationPatterns(
        finish, /*force32BitVectorIndices=*/true);
    vector::populateVectorInsertExtractStridedSliceTransforms(finish);
    vector::populateVectorStepLoweringPatterns(finish);
    vector::populateVectorRankReducingFMAPattern(finish);
    vector::populateVectorGatherLoweringPatterns(finish);
    vector::populateVectorFromElementsUnrollPatterns(finish);
    vector::populateVectorToElementsUnrollPatterns(finish);
    if (failed(run(std::move(finish))))
      return signalPassFailure();
  }
};

} // namespace
