//===- LowerGenerics.cpp - linalg on memrefs to vector loops --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FuseNests.h"
#include "fairway/Kernel/Config.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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
  linalg::GenericOp::create(rewriter, copy.getLoc(), copy.getSource(),
                            copy.getTarget(), ArrayRef<AffineMap>{map, map},
                            iterators,
                            [](OpBuilder &b, Location loc, ValueRange args) {
                              linalg::YieldOp::create(b, loc, args[0]);
                            });
  rewriter.eraseOp(copy);
}

struct LowerGenerics : public fairway::impl::LowerGenericsBase<LowerGenerics> {
  using LowerGenericsBase::LowerGenericsBase;

  void runOnOperation() override {
    config = fairway::getConfig(getOperation());
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies)
      generalizeCopy(rewriter, copy);

    SmallVector<linalg::LinalgOp> named;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && !isa<linalg::GenericOp>(op))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op))) {
        op.emitOpError("has no form as linalg.generic");
        return signalPassFailure();
      }
    }

    // Reductions first: they take their neighbours along.
    SmallVector<linalg::GenericOp> reductions, others;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (op.hasPureBufferSemantics())
        (op.getNumReductionLoops() > 0 ? reductions : others).push_back(op);
    });
    llvm::SmallPtrSet<Operation *, 16> done;
    int64_t longest = 0;
    std::optional<fairway::LoopPlan> main;
    for (linalg::GenericOp op : reductions) {
      int64_t points = countPoints(op);
      fairway::LoopPlan plan = lower(rewriter, op, done);
      if (points > longest && !plan.table) {
        longest = points;
        main = plan;
      }
    }
    if (main && getOperation()->hasAttr("fairway.kernel"))
      writeDown(*main);
    for (linalg::GenericOp op : others)
      if (!done.contains(op))
        lower(rewriter, op, done);
  }

  /// Points of the loops whose length is known.
  static int64_t countPoints(linalg::GenericOp op) {
    int64_t points = 1;
    for (int64_t size : op.getStaticLoopRanges())
      if (!ShapedType::isDynamic(size))
        points *= size;
    return points;
  }

  /// Notes in the kernel's configuration what became of its longest reduction.
  void writeDown(const fairway::LoopPlan &plan) {
    std::optional<int64_t> rows, vectors, prefetch;
    if (plan.vectorDim)
      vectors = plan.vectors;
    if (plan.vectorDim && plan.rowDim)
      rows = plan.rows;
    if (plan.panelOperand)
      prefetch = plan.panelsAhead;
    getOperation()->setAttr(
        fairway::kConfigAttr,
        fairway::KernelConfigAttr::get(&getContext(), config.getTile(), rows,
                                       vectors, plan.piece, prefetch));
  }

  /// Lowers `op` and what is fused with it; adds those to `done`.
  fairway::LoopPlan lower(RewriterBase &rewriter, linalg::GenericOp op,
                          llvm::SmallPtrSetImpl<Operation *> &done) {
    fairway::LoopPlan plan =
        fairway::planLoops(op, fairway::VectorUnit{vectorBits, registers},
                           {config.getRows(), config.getVectors(),
                            config.getPiece(), config.getPrefetch()});
    fairway::Fusion fusion = fairway::fuseNeighbours(op, plan);
    SmallVector<Operation *> group{op};
    if (fusion.init)
      group.push_back(fusion.init->op);
    Operation *last = op;
    for (const fairway::Attached &attached : fusion.epilogue) {
      last = attached.op;
      group.push_back(last);
    }
    rewriter.setInsertionPoint(last);
    fairway::emitNest(rewriter, fusion, plan);
    lowered += group.size();
    for (Operation *member : group) {
      done.insert(member);
      rewriter.eraseOp(member);
    }
    return plan;
  }

  fairway::KernelConfigAttr config;
};

} // namespace
