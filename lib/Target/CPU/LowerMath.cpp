//===- LowerMath.cpp - arithmetic that processors have --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fairway {
#define GEN_PASS_DEF_FAIRWAYLOWERMATH
#include "fairway/Target/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// f64 -> f16/bf16 through f32: LLVM has only library calls for the direct way.
struct TruncateThroughF32 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType(), to = op.getType();
    if (!getElementTypeOrSelf(from).isF64() ||
        getElementTypeOrSelf(to).getIntOrFloatBitWidth() != 16)
      return failure();
    Type middle = rewriter.getF32Type();
    if (auto shaped = dyn_cast<ShapedType>(to))
      middle = shaped.clone(middle);
    Value single =
        arith::TruncFOp::create(rewriter, op.getLoc(), middle, op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, to, single);
    return success();
  }
};

/// a * b + c in two steps, for targets without the instruction.
struct SplitFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op.getA(),
                                          op.getB(), op.getFastmathAttr());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC(),
                                               op.getFastmathAttr());
    return success();
  }
};

/// The same for the vector dialect's operation.
struct SplitVectorFma : OpRewritePattern<vector::FMAOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::FMAOp op,
                                PatternRewriter &rewriter) const override {
    Value product =
        arith::MulFOp::create(rewriter, op.getLoc(), op.getLhs(), op.getRhs());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getAcc());
    return success();
  }
};

struct LowerMath : fairway::impl::FairwayLowerMathBase<LowerMath> {
  using FairwayLowerMathBase::FairwayLowerMathBase;

  /// bf16 is a type to store: what computes in it computes in f32 and rounds.
  LogicalResult computeBFloat16InF32() {
    MLIRContext *context = &getContext();
    Type bf16 = BFloat16Type::get(context), f32 = Float32Type::get(context);
    Type f16 = Float16Type::get(context), f64 = Float64Type::get(context);

    TypeConverter arithTypes;
    arith::populateEmulateUnsupportedFloatsConversions(arithTypes, {bf16}, f32);
    RewritePatternSet arithPatterns(context);
    arith::populateEmulateUnsupportedFloatsPatterns(arithPatterns, arithTypes);
    ConversionTarget arithTarget(*context);
    arith::populateEmulateUnsupportedFloatsLegality(arithTarget, arithTypes);
    if (failed(applyPartialConversion(getOperation(), arithTarget,
                                      std::move(arithPatterns))))
      return failure();

    SetVector<Type> supported;
    supported.insert(f16), supported.insert(f32), supported.insert(f64);
    TypeConverter mathTypes;
    math::populateExtendToSupportedTypesTypeConverter(mathTypes, supported,
                                                      f32);
    RewritePatternSet mathPatterns(context);
    math::populateExtendToSupportedTypesPatterns(mathPatterns, mathTypes);
    ConversionTarget mathTarget(*context);
    math::populateExtendToSupportedTypesConversionTarget(mathTarget, mathTypes);
    return applyPartialConversion(getOperation(), mathTarget,
                                  std::move(mathPatterns));
  }

  void runOnOperation() override {
    if (failed(computeBFloat16InF32()))
      return signalPassFailure();
    // Expansions first: rsqrt, fpowi and so on become simpler math ops.
    RewritePatternSet expand(&getContext());
    math::populateExpansionPatterns(
        expand, {"ctlz", "fpowi", "ipowi", "rsqrt", "clampf"});
    arith::populateCeilFloorDivExpandOpsPatterns(expand);
    expand.add<TruncateThroughF32>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(expand))))
      return signalPassFailure();

    RewritePatternSet finish(&getContext());
    arith::populateExpandBFloat16Patterns(finish);
    if (!fma)
      finish.add<SplitFma, SplitVectorFma>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(finish))))
      return signalPassFailure();
  }
};

} // namespace
