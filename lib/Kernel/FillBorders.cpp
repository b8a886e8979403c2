//===- FillBorders.cpp - padded results are written in place --------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fairway {
#define GEN_PASS_DEF_FILLBORDERS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// A box of a tensor.
struct Box {
  SmallVector<int64_t> offsets, sizes;
};

/// What surrounds `inner` in a tensor of `shape`: for each dimension the part
/// before and the part after, cut so that no two overlap.
SmallVector<Box> surround(const Box &inner, ArrayRef<int64_t> shape) {
  Box rest{SmallVector<int64_t>(shape.size(), 0), SmallVector<int64_t>(shape)};
  SmallVector<Box> boxes;
  for (unsigned dim = 0; dim < shape.size(); ++dim) {
    int64_t begin = inner.offsets[dim], end = begin + inner.sizes[dim];
    for (auto [low, high] :
         {std::pair(int64_t(0), begin), std::pair(end, shape[dim])}) {
      if (low >= high)
        continue;
      Box box = rest;
      box.offsets[dim] = low;
      box.sizes[dim] = high - low;
      boxes.push_back(box);
    }
    rest.offsets[dim] = begin;
    rest.sizes[dim] = end - begin;
  }
  return boxes;
}

/// The `tensor.empty` that `value` is computed in, if it is nobody else's.
OpOperand *findEmptyInit(Value value) {
  OpOperand *init = nullptr;
  while (auto op = value.getDefiningOp<linalg::LinalgOp>()) {
    if (op->getNumResults() != 1 || !value.hasOneUse())
      return nullptr;
    init = op.getDpsInitOperand(0);
    value = init->get();
  }
  return init && value.getDefiningOp<tensor::EmptyOp>() ? init : nullptr;
}

struct FillBorders : public fairway::impl::FillBordersBase<FillBorders> {
  using FillBordersBase::FillBordersBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!func->hasAttr("fairway.kernel") || func.isExternal())
      return;
    Block &body = func.getBody().front();
    SmallVector<tensor::InsertSliceOp> inserts(
        body.getOps<tensor::InsertSliceOp>());
    IRRewriter rewriter(&getContext());
    for (tensor::InsertSliceOp insert : inserts) {
      fillBorder(insert, rewriter);
      writeInPlace(insert, rewriter);
    }
    // Slices of the destination come before whoever computes in them.
    sortTopologically(&body);
  }

  /// Fills only what `insert` leaves of its destination.
  void fillBorder(tensor::InsertSliceOp insert, RewriterBase &rewriter) {
    auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
    auto type = insert.getType();
    if (!fill || !fill->hasOneUse() || !type.hasStaticShape() ||
        insert.getSourceType().getRank() != type.getRank() ||
        ShapedType::isDynamicShape(insert.getStaticOffsets()) ||
        !llvm::all_of(insert.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; }))
      return;
    Box inner{SmallVector<int64_t>(insert.getStaticOffsets()),
              SmallVector<int64_t>(insert.getStaticSizes())};
    rewriter.setInsertionPoint(fill);
    Location loc = fill.getLoc();
    SmallVector<OpFoldResult> ones(type.getRank(), rewriter.getIndexAttr(1));
    Value dest = fill.getOutputs()[0];
    for (const Box &box : surround(inner, type.getShape())) {
      auto offsets = getAsIndexOpFoldResult(&getContext(), box.offsets);
      auto sizes = getAsIndexOpFoldResult(&getContext(), box.sizes);
      Value slice = tensor::ExtractSliceOp::create(rewriter, loc, dest, offsets,
                                                   sizes, ones);
      Value filled = linalg::FillOp::create(rewriter, loc, fill.getInputs(),
                                            ValueRange{slice})
                         .getResult(0);
      dest = tensor::InsertSliceOp::create(rewriter, loc, filled, dest, offsets,
                                           sizes, ones);
    }
    rewriter.replaceOp(fill, dest);
    ++filled;
  }

  /// Makes the source's producer write to the slice that it is inserted at.
  void writeInPlace(tensor::InsertSliceOp insert, RewriterBase &rewriter) {
    if (insert.getSourceType().getRank() != insert.getType().getRank())
      return;
    OpOperand *init = findEmptyInit(insert.getSource());
    if (!init)
      return;
    rewriter.setInsertionPoint(insert);
    Value slice = tensor::ExtractSliceOp::create(
        rewriter, insert.getLoc(), insert.getSourceType(), insert.getDest(),
        insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
    rewriter.modifyOpInPlace(init->getOwner(), [&] { init->set(slice); });
    ++inPlace;
  }
};

} // namespace
