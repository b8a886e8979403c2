//===- FoldEmpty.cpp - nothing is computed where there is nothing ---------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {
#define GEN_PASS_DEF_FOLDEMPTY
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// Whether a value is a tensor of no element.
static bool isEmpty(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 0;
}

namespace {
struct FoldEmpty : public fairway::impl::FoldEmptyBase<FoldEmpty> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (op->getNumResults() == 0 || isa<tensor::EmptyOp>(op))
        return;
      rewriter.setInsertionPoint(op);
      if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
          linalgOp && llvm::is_contained(linalgOp.getStaticLoopRanges(), 0)) {
        // No step is made: what was there to begin with stays.
        rewriter.replaceOp(op, linalgOp.getDpsInits());
      } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op);
                 insert && isEmpty(insert.getSource())) {
        rewriter.replaceOp(op, insert.getDest());
      } else if (isPure(op) && llvm::all_of(op->getResults(), isEmpty)) {
        SmallVector<Value> values;
        for (Value result : op->getResults()) {
          auto type = cast<RankedTensorType>(result.getType());
          values.push_back(tensor::EmptyOp::create(
              rewriter, op->getLoc(), type.getShape(), type.getElementType()));
        }
        rewriter.replaceOp(op, values);
      } else {
        return;
      }
      ++numFolded;
    });
  }
};
} // namespace
