//===- TileKernels.cpp - a kernel becomes a loop over tiles ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TableSlices.h"
#include "TileRoots.h"
#include "TileSizes.h"
#include "fairway/Kernel/Config.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"

namespace fairway {
#define GEN_PASS_DEF_TILEKERNELS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// The argument of the function that `value` is a view of, if any.
BlockArgument rootArgument(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp, tensor::CastOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return cast<BlockArgument>(value);
}

/// After tiling, every worker runs what stands outside of the loops, and all
/// run their share of the loops at once. That is right if results are written
/// only inside the loops, each straight into its own destination.
LogicalResult verifyParallel(func::FuncOp func) {
  int64_t numOuts = 1;
  if (auto outs = func->getAttrOfType<IntegerAttr>("fairway.num_outs"))
    numOuts = outs.getInt();
  unsigned firstOut = func.getNumArguments() - numOuts;
  auto isOut = [&](Value value) {
    BlockArgument arg = rootArgument(value);
    return arg && arg.getArgNumber() >= firstOut;
  };
  llvm::SmallPtrSet<Value, 4> destinations;
  for (Operation &op : func.getBody().front()) {
    if (auto forall = dyn_cast<scf::ForallOp>(op)) {
      for (Value init : forall.getOutputs()) {
        // Pieces go into the destination one after the other: each loop
        // writes a slice of what the one before it left.
        Value base = init;
        while (Operation *def = base.getDefiningOp()) {
          if (auto slice = dyn_cast<tensor::ExtractSliceOp>(def))
            base = slice.getSource();
          else if (auto insert = dyn_cast<tensor::InsertSliceOp>(def))
            base = insert.getDest();
          else
            break;
        }
        if (!isOut(base) && !isOut(init))
          return failure();
      }
      for (Operation *user : forall->getUsers())
        if (!isa<tensor::InsertSliceOp, func::ReturnOp, tensor::ExpandShapeOp,
                 tensor::CollapseShapeOp>(user))
          return failure();
      continue;
    }
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      for (Value init : linalgOp.getDpsInits())
        if (!rootArgument(init) ? !init.getDefiningOp<tensor::EmptyOp>() &&
                                      !init.getDefiningOp<linalg::LinalgOp>()
                                : isOut(init))
          return failure();
    }
  }
  return success();
}

/// An op that is tiled, and how; empty: it is not.
struct RootTile {
  linalg::LinalgOp root;
  bool border;
  SmallVector<int64_t> sizes;
};

struct TileKernels : public fairway::impl::TileKernelsBase<TileKernels> {
  using TileKernelsBase::TileKernelsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!func->hasAttr("fairway.kernel") || func.isExternal())
      return;
    IRRewriter rewriter(&getContext());
    fairway::exposeCopies(func, rewriter);
    FailureOr<SmallVector<RootTile>> plan = planTiles(func);
    if (failed(plan))
      return signalPassFailure();
    bool single = bool(fairway::findSingleRoot(func));
    DenseI64ArrayAttr given = fairway::getConfig(func).getTile();
    OwningOpRef<func::FuncOp> whole = func.clone();
    if (succeeded(tile(func, *plan, rewriter)) &&
        succeeded(verifyParallel(func))) {
      if (single)
        writeDown(func, mainTile(*plan));
      return;
    }
    if (given && !given.empty()) {
      whole->emitError("the kernel cannot be tiled as its configuration says");
      return signalPassFailure();
    }
    // Not a shape that tiling handles: one tile computes everything.
    func.getBody().takeBody(whole->getBody());
    if (single)
      writeDown(func, {});
    ++serial;
  }

  /// What the configuration says, or else the cost model.
  FailureOr<SmallVector<RootTile>> planTiles(func::FuncOp func) {
    SmallVector<RootTile> plan;
    linalg::LinalgOp single = fairway::findSingleRoot(func);
    DenseI64ArrayAttr given = fairway::getConfig(func).getTile();
    if (given && !single)
      return func.emitError("a kernel with several results or none has no "
                            "'tile' in its configuration");
    for (linalg::LinalgOp root : fairway::findRoots(func)) {
      RootTile tile{root, fairway::isBorder(root), {}};
      if (tile.border) {
        tile.sizes = fairway::splitBorder(root);
      } else if (given) {
        if (failed(checkTile(root, given)))
          return failure();
        tile.sizes.assign(given.asArrayRef().begin(), given.asArrayRef().end());
      } else {
        tile.sizes = fairway::chooseTileSizes(root, machine, threads);
      }
      plan.push_back(std::move(tile));
    }
    return plan;
  }

  static LogicalResult checkTile(linalg::LinalgOp root,
                                 DenseI64ArrayAttr tile) {
    if (tile.empty())
      return success();
    if (tile.size() != int64_t(root.getNumLoops()))
      return root.emitOpError("has ")
             << root.getNumLoops() << " loops, 'tile' in the kernel's "
             << "configuration is for " << tile.size();
    for (auto [loop, size] : llvm::enumerate(tile.asArrayRef()))
      if (size > 0 && !fairway::canDivide(root, loop, size))
        return root.emitOpError("cannot be divided along loop ")
               << loop << ", which 'tile' in the kernel's configuration does";
    return success();
  }

  /// The tile of a kernel's only root, beside those of borders.
  static ArrayRef<int64_t> mainTile(ArrayRef<RootTile> plan) {
    return llvm::find_if(plan, [](const RootTile &t) { return !t.border; })
        ->sizes;
  }

  static void writeDown(func::FuncOp func, ArrayRef<int64_t> tile) {
    fairway::KernelConfigAttr config = fairway::getConfig(func);
    func->setAttr(fairway::kConfigAttr,
                  fairway::KernelConfigAttr::get(
                      func.getContext(),
                      DenseI64ArrayAttr::get(func.getContext(), tile),
                      config.getRows(), config.getVectors(), config.getPiece(),
                      config.getPrefetch()));
  }

  LogicalResult tile(func::FuncOp func, ArrayRef<RootTile> plan,
                     RewriterBase &rewriter) {
    for (const RootTile &root : plan) {
      if (root.sizes.empty())
        continue;
      if (failed(tileRoot(root.root, root.sizes, rewriter)))
        return failure();
      ++tiled;
    }
    // Slices of nothing are nothing; what was fused is dead outside.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
    scf::ForallOp::getCanonicalizationPatterns(patterns, &getContext());
    fairway::populateTableSlices(patterns);
    return applyPatternsGreedily(func, std::move(patterns));
  }

  LogicalResult tileRoot(linalg::LinalgOp root, ArrayRef<int64_t> sizes,
                         RewriterBase &rewriter) {
    scf::SCFTileAndFuseOptions options;
    options.tilingOptions.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp)
        .setTileSizes(getAsIndexOpFoldResult(&getContext(), sizes));
    options.setFusionControlFn(
        [](tensor::ExtractSliceOp, OpResult producer,
           bool) -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
          bool returned =
              llvm::any_of(producer.getUsers(), [](Operation *user) {
                return isa<func::ReturnOp>(user);
              });
          return scf::SCFTileAndFuseOptions::ControlFnResult{returned};
        });
    rewriter.setInsertionPoint(root);
    FailureOr<scf::SCFTileAndFuseResult> result =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(root.getOperation()), options);
    if (failed(result))
      return failure();
    for (auto [from, to] : result->replacements)
      rewriter.replaceAllUsesWith(from, to);
    return success();
  }
};

} // namespace
