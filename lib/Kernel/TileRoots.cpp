//===- TileRoots.cpp - the ops of a kernel that are tiled
//-------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileRoots.h"
#include "fairway/Support/Sizes.h"

using namespace mlir;

/// Elements of a border that are worth a piece of their own, and the most
/// pieces.
static constexpr int64_t kBorderPiece = 4096;
static constexpr int64_t kMaxBorderPieces = 8;

void fairway::exposeCopies(func::FuncOp func, RewriterBase &rewriter) {
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

bool fairway::isBorder(linalg::LinalgOp op) {
  return isa<linalg::FillOp>(op) &&
         op.getDpsInits()[0].getDefiningOp<tensor::ExtractSliceOp>();
}

SmallVector<int64_t> fairway::splitBorder(linalg::LinalgOp fill) {
  Hints hints(fill);
  SmallVector<int64_t> sizes = hints.of(fill);
  auto longest = llvm::max_element(sizes);
  int64_t elements = 1;
  for (int64_t size : sizes)
    elements *= size;
  int64_t pieces =
      std::clamp<int64_t>(elements / kBorderPiece, 2, kMaxBorderPieces);
  SmallVector<int64_t> tile(sizes.size(), 0);
  unsigned loop = longest - sizes.begin();
  int64_t size = llvm::divideCeil(*longest, pieces);
  bool open = hints.isOpen(fill.getStaticLoopRanges()[loop]);
  tile[loop] = open ? hints.openTile(size) : size;
  return tile;
}

SmallVector<linalg::LinalgOp> fairway::findRoots(func::FuncOp func) {
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

linalg::LinalgOp fairway::findSingleRoot(func::FuncOp func) {
  linalg::LinalgOp single;
  for (linalg::LinalgOp root : findRoots(func)) {
    if (isBorder(root))
      continue;
    if (single)
      return {};
    single = root;
  }
  return single;
}
