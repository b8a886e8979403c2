//===- TileKernels.cpp - a kernel becomes a loop over tiles ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileSizes.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"

namespace fairway {
#define GEN_PASS_DEF_TILEKERNELS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// Elements of a border that are worth a piece of their own, and the most
/// pieces.
constexpr int64_t kBorderPiece = 4096;
constexpr int64_t kMaxBorderPieces = 8;

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

/// An insertion copies: make that a generic on the slice, which can be tiled.
void exposeCopies(func::FuncOp func, RewriterBase &rewriter) {
  SmallVector<tensor::InsertSliceOp> inserts(
      func.getBody().front().getOps<tensor::InsertSliceOp>());
  for (tensor::InsertSliceOp insert : inserts) {
    if (insert.getSource().getDefiningOp<linalg::LinalgOp>())
      continue;
    rewriter.setInsertionPoint(insert);
    Location loc = insert.getLoc();
    RankedTensorType type = insert.getSourceType();
    Value target = tensor::ExtractSliceOp::create(
        rewriter, loc, type, insert.getDest(), insert.getMixedOffsets(),
        insert.getMixedSizes(), insert.getMixedStrides());
    AffineMap map = rewriter.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> iterators(type.getRank(),
                                               utils::IteratorType::parallel);
    auto copy = linalg::GenericOp::create(
        rewriter, loc, type, insert.getSource(), target,
        ArrayRef<AffineMap>{map, map}, iterators,
        [](OpBuilder &b, Location at, ValueRange args) {
          linalg::YieldOp::create(b, at, args[0]);
        });
    insert.getSourceMutable().assign(copy.getResult(0));
  }
}

/// Whether `op` fills a part of a destination that others write beside it.
bool isBorder(linalg::LinalgOp op) {
  return isa<linalg::FillOp>(op) &&
         op.getDpsInits()[0].getDefiningOp<tensor::ExtractSliceOp>();
}

/// Tile sizes for a border: some pieces of its longest dimension. However small
/// it is, it must be a loop of its own, or every worker would fill all of it.
SmallVector<int64_t> splitBorder(linalg::LinalgOp fill) {
  SmallVector<int64_t> sizes = fill.getStaticLoopRanges();
  auto longest = llvm::max_element(sizes);
  int64_t elements = 1;
  for (int64_t size : sizes)
    elements *= size;
  int64_t pieces =
      std::clamp<int64_t>(elements / kBorderPiece, 2, kMaxBorderPieces);
  SmallVector<int64_t> tile(sizes.size(), 0);
  tile[longest - sizes.begin()] = llvm::divideCeil(*longest, pieces);
  return tile;
}

/// The ops that are tiled: the last linalg op, and others that write their own
/// part of a result (pieces of a concatenation).
SmallVector<linalg::LinalgOp> findRoots(func::FuncOp func) {
  SmallVector<linalg::LinalgOp> all(
      func.getBody().front().getOps<linalg::LinalgOp>());
  SmallVector<linalg::LinalgOp> roots;
  for (linalg::LinalgOp op : all) {
    bool feeds = llvm::any_of(op->getUsers(), [](Operation *user) {
      return !isa<tensor::InsertSliceOp, func::ReturnOp, tensor::ExpandShapeOp,
                  tensor::CollapseShapeOp>(user);
    });
    if (!feeds)
      roots.push_back(op);
  }
  return roots;
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

struct TileKernels : public fairway::impl::TileKernelsBase<TileKernels> {
  using TileKernelsBase::TileKernelsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!func->hasAttr("fairway.kernel") || func.isExternal())
      return;
    IRRewriter rewriter(&getContext());
    exposeCopies(func, rewriter);
    OwningOpRef<func::FuncOp> whole = func.clone();
    if (failed(tile(func, rewriter)) || failed(verifyParallel(func))) {
      // Not a shape that tiling handles: one tile computes everything.
      func.getBody().takeBody(whole->getBody());
      ++serial;
    }
  }

  LogicalResult tile(func::FuncOp func, RewriterBase &rewriter) {
    for (linalg::LinalgOp root : findRoots(func)) {
      SmallVector<int64_t> sizes =
          fairway::chooseTileSizes(root, machine, threads);
      if (!tileSizes.empty())
        sizes = llvm::to_vector(*tileSizes);
      if (isBorder(root))
        sizes = splitBorder(root);
      if (sizes.empty())
        continue;
      sizes.resize(root.getNumLoops(), 0);
      if (failed(tileRoot(root, sizes, rewriter)))
        return failure();
      ++tiled;
    }
    // Slices of nothing are nothing; what was fused is dead outside.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
    scf::ForallOp::getCanonicalizationPatterns(patterns, &getContext());
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
