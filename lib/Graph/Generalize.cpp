//===- Generalize.cpp - one form for every op
//---------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace fairway {
#define GEN_PASS_DEF_GENERALIZE
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// The value that a generic without inputs writes everywhere, or null.
static Value getFillValue(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 0 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() != 0 ||
      !isa<RankedTensorType>(op.getDpsInits()[0].getType()))
    return Value();
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  return yielded.getParentBlock() == op.getBody() ? Value() : yielded;
}

namespace {
struct Generalize : public fairway::impl::GeneralizeBase<Generalize> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      rewriter.setInsertionPoint(op);
      if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation())) {
        if (Value value = getFillValue(generic))
          rewriter.replaceOpWithNewOp<linalg::FillOp>(
              generic, ValueRange{value}, generic.getOutputs());
      } else if (!isa<linalg::FillOp>(op)) {
        if (failed(linalg::generalizeNamedOp(rewriter, op))) {
          op->emitError("cannot express '") << op->getName() << "' generally";
          return signalPassFailure();
        }
      }
    }
  }
};
} // namespace
