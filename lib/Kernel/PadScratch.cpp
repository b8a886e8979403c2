//===- PadScratch.cpp - rows of scratch meet in no cache set --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopPlan.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {
#define GEN_PASS_DEF_PADSCRATCH
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// Rows a multiple of this many bytes apart share so few sets of the nearest
/// cache that a panel of a contraction has no place in it.
static constexpr int64_t kRowBytes = 512;

/// Bytes of the innermost dimension; 0 unless there are other dimensions.
static int64_t getRowBytes(RankedTensorType type) {
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat() ||
      type.getRank() < 2 || type.getNumElements() == type.getShape().back())
    return 0;
  return type.getShape().back() *
         int64_t(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

namespace {
struct PadScratch : public fairway::impl::PadScratchBase<PadScratch> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr("fairway.kernel"))
      return;
    SmallVector<tensor::EmptyOp> values;
    getOperation()->walk([&](tensor::EmptyOp empty) {
      int64_t bytes = getRowBytes(empty.getType());
      bool isInit = llvm::all_of(empty->getUsers(), [](Operation *user) {
        return isa<linalg::LinalgOp>(user);
      });
      if (bytes > 0 && bytes % kRowBytes == 0 && isInit)
        values.push_back(empty);
    });
    for (tensor::EmptyOp empty : values)
      pad(empty);
    padded += values.size();
  }

  static void pad(tensor::EmptyOp empty) {
    OpBuilder b(empty);
    RankedTensorType type = empty.getType();
    SmallVector<int64_t> shape(type.getShape());
    shape.back() += fairway::kLineBytes * 8 / type.getElementTypeBitWidth();
    Value longer = tensor::EmptyOp::create(b, empty.getLoc(), shape,
                                           type.getElementType());
    SmallVector<OpFoldResult> zeros(type.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(type.getRank(), b.getIndexAttr(1));
    Value rows = tensor::ExtractSliceOp::create(
        b, empty.getLoc(), type, longer, zeros,
        getAsIndexOpFoldResult(b.getContext(), type.getShape()), ones);
    empty.replaceAllUsesWith(rows);
    empty.erase();
  }
};
} // namespace
