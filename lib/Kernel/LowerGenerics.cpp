//===- LowerGenerics.cpp - linalg on memrefs to vector loops -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NestEmitter.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

namespace fairway {
#define GEN_PASS_DEF_LOWERGENERICS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// memref.copy as a generic, so that it is vectorized like everything else.
void generalizeCopy(RewriterBase &rewriter, memref::CopyOp copy) {
  auto type = cast<MemRefType>(copy.getTarget().getType());
  rewriter.setInsertionPoint(copy);
  AffineMap map = rewriter.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  linalg::GenericOp::create(
      rewriter, copy.getLoc(), copy.getSource(), copy.getTarget(),
      ArrayRef<AffineMap>{map, map}, iterators,
      [](OpBuilder &b, Location loc, ValueRange args) {
        linalg::YieldOp::create(b, loc, args[0]);
      });
  rewriter.eraseOp(copy);
}

struct LowerGenerics
    : public fairway::impl::LowerGenericsBase<LowerGenerics> {
  using LowerGenericsBase::LowerGenericsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies)
      generalizeCopy(rewriter, copy);

    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      if (!generic) {
        rewriter.setInsertionPoint(op);
        auto generalized = linalg::generalizeNamedOp(rewriter, op);
        if (failed(generalized)) {
          op.emitOpError("has no form as linalg.generic");
          return signalPassFailure();
        }
        generic = *generalized;
      }
      lower(rewriter, generic);
    }
  }

  void lower(RewriterBase &rewriter, linalg::GenericOp op) {
    fairway::VectorUnit unit{vectorBits, registers};
    rewriter.setInsertionPoint(op);
    fairway::Fusion fusion;
    fusion.main = op;
    fairway::emitNest(rewriter, fusion, fairway::planLoops(op, unit));
    ++lowered;
    rewriter.eraseOp(op);
  }
};

} // namespace
