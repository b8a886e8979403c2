//===- ExpandMath.cpp - math functions as arithmetic on vectors -----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "Math/Functions.h"
#include "Math/MatchGelu.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

namespace fairway {
#define GEN_PASS_DEF_EXPANDMATH
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

namespace {

using Emitter = Value (*)(FloatBuilder &, Value);

/// Whether lib/Kernel/Math computes on this type.
bool isSingleOrNarrower(Type type) {
  Type element = getElementTypeOrSelf(type);
  auto vector = dyn_cast<VectorType>(type);
  return (!vector || (vector.getRank() == 1 && !vector.isScalable())) &&
         (element.isF32() || element.isF16() || element.isBF16());
}

/// Emits a function of f32 or narrower; narrower ones are computed in f32 and
/// rounded. Null for other types.
template <typename Emit, typename... Values>
Value emitInSingle(PatternRewriter &rewriter, Location loc, Emit emit, Value x,
                   Values... others) {
  Type type = x.getType();
  if (!isSingleOrNarrower(type))
    return {};
  FloatBuilder f(rewriter, loc, type);
  if (getElementTypeOrSelf(type).isF32())
    return emit(f, x, others...);
  Type single = f.typeOf(rewriter.getF32Type());
  auto widen = [&](Value narrow) -> Value {
    return arith::ExtFOp::create(rewriter, loc, single, narrow);
  };
  return arith::TruncFOp::create(rewriter, loc, type,
                                 emit(f, widen(x), widen(others)...));
}

/// A function with an emitter of its own.
template <typename Op> struct Expand : OpRewritePattern<Op> {
  Expand(MLIRContext *context, Emitter emit)
      : OpRewritePattern<Op>(context), emit(emit) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Value result = emitInSingle(rewriter, op.getLoc(), emit, op->getOperand(0));
    if (!result)
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }

  Emitter emit;
};

/// n / (1 + e^-x), as models spell sigmoid and silu: one function, as its parts
/// would add up to more than 2 ulp and lose what is denormal.
struct ExpandSigmoid : OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::DivFOp op,
                                PatternRewriter &rewriter) const override {
    auto sum = op.getRhs().getDefiningOp<arith::AddFOp>();
    if (!sum)
      return failure();
    auto exp = sum.getLhs().getDefiningOp<math::ExpOp>();
    Value one = exp ? sum.getRhs() : sum.getLhs();
    if (!exp)
      exp = sum.getRhs().getDefiningOp<math::ExpOp>();
    auto minus =
        exp ? exp.getOperand().getDefiningOp<arith::NegFOp>() : nullptr;
    if (!minus || !matchPattern(one, m_OneFloat()))
      return failure();
    Value sigmoid =
        emitInSingle(rewriter, op.getLoc(), emitSigmoid, minus.getOperand());
    if (!sigmoid)
      return failure();
    if (matchPattern(op.getLhs(), m_OneFloat()))
      rewriter.replaceOp(op, sigmoid);
    else
      rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(), sigmoid,
                                                 op.getFastmathAttr());
    return success();
  }
};

/// GELU, whose negative side its parts compute no better than the whole.
struct ExpandGelu : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Gelu> gelu = matchGelu(op);
    if (!gelu)
      return failure();
    Value result = emitInSingle(
        rewriter, op.getLoc(), gelu->byTanh ? emitGeluTanh : emitGelu, gelu->x);
    if (!result)
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// What processors compute on vectors.
bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
             math::FloorOp, math::FmaOp, math::RoundEvenOp, math::SqrtOp,
             math::TruncOp>(op);
}

/// 2^x, as PyTorch spells exp2.
struct PowerOfTwo : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    FloatAttr base;
    DenseElementsAttr bases;
    if (matchPattern(op.getLhs(), m_Constant(&bases)) && bases.isSplat())
      base = bases.getSplatValue<FloatAttr>();
    else if (!matchPattern(op.getLhs(), m_Constant(&base)))
      return failure();
    if (!base.getValue().isExactlyValue(2.0))
      return failure();
    rewriter.replaceOpWithNewOp<math::Exp2Op>(op, op.getRhs(),
                                              op.getFastmathAttr());
    return success();
  }
};

struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    Value result =
        emitInSingle(rewriter, op.getLoc(), emitPow, op.getLhs(), op.getRhs());
    if (!result)
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }
};

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

/// Which zero is larger does not matter, and takes x86 three instructions more
/// to find out.
void ignoreSignsOfZeros(Operation *root) {
  root->walk([](Operation *op) {
    auto math = dyn_cast<arith::ArithFastMathInterface>(op);
    if (!math ||
        !isa<arith::MaximumFOp, arith::MinimumFOp, vector::ReductionOp>(op))
      return;
    auto flags = math.getFastMathFlagsAttr().getValue();
    op->setAttr(math.getFastMathAttrName(),
                arith::FastMathFlagsAttr::get(
                    op->getContext(), flags | arith::FastMathFlags::nsz));
  });
}

struct ExpandMath : public fairway::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    // What is more than the sum of its parts, before these expand.
    RewritePatternSet compound(context);
    compound.add<ExpandSigmoid, PowerOfTwo>(context);
    populateMathAlgebraicSimplificationPatterns(compound);
    if (failed(applyPatternsGreedily(getOperation(), std::move(compound))))
      return signalPassFailure();
    // Once powers are products.
    RewritePatternSet gelu(context);
    gelu.add<ExpandGelu>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(gelu))))
      return signalPassFailure();

    RewritePatternSet patterns(context);
    patterns.add<Expand<math::ExpOp>>(context, emitExp);
    patterns.add<Expand<math::Exp2Op>>(context, emitExp2);
    patterns.add<Expand<math::ExpM1Op>>(context, emitExpM1);
    patterns.add<Expand<math::TanhOp>>(context, emitTanh);
    patterns.add<Expand<math::ErfOp>>(context, emitErf);
    patterns.add<Expand<math::LogOp>>(context, emitLog);
    patterns.add<Expand<math::Log2Op>>(context, emitLog2);
    patterns.add<Expand<math::Log10Op>>(context, emitLog10);
    patterns.add<Expand<math::Log1pOp>>(context, emitLog1P);
    patterns.add<Expand<math::SinOp>>(context, emitSin);
    patterns.add<Expand<math::CosOp>>(context, emitCos);
    patterns.add<ExpandPow>(context);
    populateMathF32ExpansionPatterns(patterns, [](StringRef) { return true; });
    math::populateExpansionPatterns(patterns, {"rsqrt"});
    patterns.add<Scalarize>(context);
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    ignoreSignsOfZeros(getOperation());
  }
};

} // namespace
