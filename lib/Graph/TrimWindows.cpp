//===- TrimWindows.cpp - windows with one place read no more than that ----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_TRIMWINDOWS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Elements that `expr` reaches from zero on; nothing if that is not known.
static std::optional<int64_t> findReach(AffineExpr expr,
                                        ArrayRef<int64_t> loops) {
  SmallVector<AffineExpr> last;
  for (int64_t size : loops) {
    if (ShapedType::isDynamic(size) || size < 1)
      return std::nullopt;
    last.push_back(getAffineConstantExpr(size - 1, expr.getContext()));
  }
  auto end = dyn_cast<AffineConstantExpr>(
      simplifyAffineExpr(expr.replaceDims(last), loops.size(), 0));
  if (!end)
    return std::nullopt;
  return end.getValue() + 1;
}

/// Whether `expr` is a sum that a parallel loop of one step takes part in.
static bool hasOnePlace(AffineExpr expr, linalg::GenericOp op,
                        ArrayRef<int64_t> loops) {
  if (isa<AffineDimExpr, AffineConstantExpr>(expr))
    return false;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel && loops[loop] == 1 &&
        expr.isFunctionOfDim(loop))
      return true;
  return false;
}

namespace {
struct TrimWindowsPass
    : public fairway::impl::TrimWindowsBase<TrimWindowsPass> {
  void runOnOperation() override {
    OpBuilder b(&getContext());
    getOperation()->walk([&](linalg::GenericOp op) {
      SmallVector<int64_t> loops = op.getStaticLoopRanges();
      for (OpOperand *input : op.getDpsInputOperands())
        if (isa<RankedTensorType>(input->get().getType()))
          trim(op, *input, loops, b);
    });
  }

  void trim(linalg::GenericOp op, OpOperand &input, ArrayRef<int64_t> loops,
            OpBuilder &b) {
    auto type = cast<RankedTensorType>(input.get().getType());
    if (!type.hasStaticShape())
      return;
    SmallVector<int64_t> shape(type.getShape());
    AffineMap map = op.getMatchingIndexingMap(&input);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (hasOnePlace(expr, op, loops))
        if (std::optional<int64_t> reach = findReach(expr, loops))
          shape[dim] = std::min(shape[dim], *reach);
    if (llvm::equal(shape, type.getShape()))
      return;
    b.setInsertionPoint(op);
    SmallVector<OpFoldResult> zeros(type.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(type.getRank(), b.getIndexAttr(1));
    input.set(tensor::ExtractSliceOp::create(
        b, op.getLoc(), input.get(), zeros,
        getAsIndexOpFoldResult(&getContext(), shape), ones));
    ++numTrimmed;
  }
};
} // namespace
