//===- VerifySizes.cpp - rejects sizes that only running would tell -------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {
#define GEN_PASS_DEF_VERIFYSIZES
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// The types whose sizes an op has to know. (A view of what is there may be cut
/// further, to a size that is known.)
static SmallVector<Type> getSizedTypes(Operation *op) {
  SmallVector<Type> types;
  if (!isa<tensor::ExtractSliceOp, tensor::CastOp>(op))
    llvm::append_range(types, op->getResultTypes());
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    types.push_back(insert.getSourceType());
  return types;
}

namespace {
struct VerifySizes : public fairway::impl::VerifySizesBase<VerifySizes> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](Operation *op) {
      if (op->getParentOfType<linalg::LinalgOp>())
        return WalkResult::advance();
      for (Type type : getSizedTypes(op)) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        if (!tensor || tensor.hasStaticShape())
          continue;
        op->emitError("unsupported operation: the sizes of what it takes (")
            << tensor << ") depend on the values of tensors";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
