//===- ExpandMath.cpp - math functions as arithmetic on vectors -----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_EXPANDMATH
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// Functions whose single-precision polynomial is good to a few units in the
/// last place. All others, and double precision, stay calls of libm.
bool hasGoodPolynomial(StringRef name) {
  return llvm::is_contained({"math.exp", "math.tanh", "math.erf", "math.log",
                             "math.log2", "math.log1p", "math.expm1"},
                            name);
}

/// What processors compute on vectors.
bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::FloorOp, math::FmaOp, math::RoundEvenOp, math::SqrtOp,
             math::TruncOp>(op);
}

/// Any other function on vectors: one call of the C library per lane.
struct Scalarize : public RewritePattern {
  explicit Scalarize(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/0, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
        op->getNumResults() != 1 || isNative(op))
      return failure();
    auto type = dyn_cast<VectorType>(op->getResult(0).getType());
    if (!type || type.getRank() != 1 || type.isScalable() ||
        !OpTrait::hasElementwiseMappableTraits(op))
      return failure();
    Location loc = op->getLoc();
    SmallVector<Value> lanes;
    for (int64_t lane = 0; lane < type.getDimSize(0); ++lane) {
      OperationState state(loc, op->getName());
      for (Value operand : op->getOperands()) {
        if (isa<VectorType>(operand.getType()))
          operand = vector::ExtractOp::create(rewriter, loc, operand, lane);
        state.addOperands(operand);
      }
      state.addTypes(type.getElementType());
      if (Attribute properties = op->getPropertiesAsAttribute())
        state.propertiesAttr = properties;
      lanes.push_back(rewriter.create(state)->getResult(0));
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, lanes);
    return success();
  }
};

struct ExpandMath : public fairway::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathF32ExpansionPatterns(patterns, [](StringRef) { return true; });
    populateMathPolynomialApproximationPatterns(patterns, hasGoodPolynomial);
    math::populateExpansionPatterns(patterns, {"rsqrt"});
    patterns.add<Scalarize>(&getContext());
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
