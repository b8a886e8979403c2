//===- BlockRows.cpp - tiles in blocks whose values stay nearby -----------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TableSlices.h"
#include "TileMembers.h"
#include "TileRoots.h"
#include "fairway/Kernel/Passes.h"
#include "fairway/Support/Sizes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fairway {
#define GEN_PASS_DEF_BLOCKROWS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// The op that computes what a tile gives back.
static linalg::LinalgOp findTileRoot(scf::ForallOp loop) {
  linalg::LinalgOp root;
  for (Operation &op : loop.getTerminator().getYieldingOps()) {
    auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(op);
    auto source = insert ? insert.getSource().getDefiningOp<linalg::LinalgOp>()
                         : linalg::LinalgOp();
    if (!source || root)
      return {};
    root = source;
  }
  return root;
}

/// Lets the last block, where it would be smaller, begin earlier instead: it
/// computes a few rows again, and all blocks are the same code.
static void shiftLastBlock(RewriterBase &rewriter, scf::ForOp loop,
                           int64_t size, int64_t rows) {
  if (size % rows == 0)
    return;
  rewriter.setInsertionPointToStart(loop.getBody());
  Value iv = loop.getInductionVar();
  AffineExpr d0 = rewriter.getAffineDimExpr(0);
  auto start = affine::AffineMinOp::create(
      rewriter, loop.getLoc(),
      AffineMap::get(1, 0, {d0, rewriter.getAffineConstantExpr(size - rows)},
                     rewriter.getContext()),
      iv);
  SmallVector<affine::AffineMinOp> sizes;
  for (Operation *user : iv.getUsers())
    if (auto min = dyn_cast<affine::AffineMinOp>(user); min && min != start)
      sizes.push_back(min);
  for (affine::AffineMinOp min : sizes) {
    rewriter.setInsertionPoint(min);
    rewriter.replaceOpWithNewOp<arith::ConstantIndexOp>(min, rows);
  }
  rewriter.replaceAllUsesExcept(iv, start, start);
}

namespace {
struct BlockRows : public fairway::impl::BlockRowsBase<BlockRows> {
  using BlockRowsBase::BlockRowsBase;

  void runOnOperation() override {
    if (!getOperation()->hasAttr("fairway.kernel"))
      return;
    IRRewriter rewriter(&getContext());
    for (auto loop : getOperation().getBody().getOps<scf::ForallOp>()) {
      linalg::LinalgOp root = findTileRoot(loop);
      if (root && !root.hasDynamicShape() && failed(block(root, rewriter)))
        return signalPassFailure();
    }
    // A kernel that is one tile.
    linalg::LinalgOp single = fairway::findSingleRoot(getOperation());
    if (single && !single.hasDynamicShape() && failed(block(single, rewriter)))
      return signalPassFailure();
    // All blocks use the same memory.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    fairway::populateTableSlices(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }

  LogicalResult block(linalg::LinalgOp root, RewriterBase &rewriter) {
    fairway::Members members = fairway::findMembers(root);
    SmallVector<int64_t> sizes = root.getStaticLoopRanges();
    auto rows = fairway::chooseRowBlock(members, root,
                                        fairway::Hints(root).of(root), machine);
    if (!rows)
      return success();
    SmallVector<int64_t> tile(sizes.size(), 0);
    tile[rows->loop] = rows->rows;
    scf::SCFTileAndFuseOptions options;
    options.tilingOptions.setTileSizes(
        getAsIndexOpFoldResult(&getContext(), tile));
    // What all rows share (keys in panels) is computed once, before the loop.
    options.setFusionControlFn(
        [&](tensor::ExtractSliceOp, OpResult producer, bool)
            -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
          auto member = members.find(producer.getOwner());
          if (member == members.end() || !member->second.follows(rows->loop))
            return std::nullopt;
          return scf::SCFTileAndFuseOptions::ControlFnResult{};
        });
    rewriter.setInsertionPoint(root);
    FailureOr<scf::SCFTileAndFuseResult> result =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(root.getOperation()), options);
    if (failed(result))
      return root.emitOpError("cannot be computed in blocks of rows");
    auto loop = cast<scf::ForOp>(result->loops.front().getOperation());
    int64_t size = sizes[rows->loop];
    for (auto [from, to] : result->replacements)
      rewriter.replaceAllUsesWith(from, to);
    // Of an open size there may be fewer rows than one block has.
    if (!fairway::Hints(root).isOpen(size))
      shiftLastBlock(rewriter, loop, size, rows->rows);
    ++blocked;
    return success();
  }
};
} // namespace
