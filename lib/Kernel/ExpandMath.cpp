//===- ExpandMath.cpp - math functions as arithmetic on vectors --------------===//
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
                             "math.log2", "math.log1p", "math.expm1",
                             "math.sin", "math.cos", "math.atan",
                             "math.atan2", "math.cbrt"},
                            name);
}

struct ExpandMath : public fairway::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathF32ExpansionPatterns(patterns, [](StringRef) { return true; });
    populateMathPolynomialApproximationPatterns(patterns, hasGoodPolynomial);
    math::populateExpansionPatterns(patterns, {"rsqrt"});
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
