//===- NestPrefetch.cpp - what a nest asks memory for in time -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Access.h"
#include "NestBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace fairway {

/// Of a row of at least so many blocks the next one's sums are fetched.
static constexpr int64_t kBlocksToFollow = 8;

/// Where the panel that is read `panelsAhead` panels later lies: its number and
/// where its piece of the reduction begins. Behind the tile's last panel comes
/// the first one's next piece; behind the last piece, the next tile's first
/// panel, or nothing, which a prefetch does not mind.
std::pair<OpFoldResult, OpFoldResult> NestBuilder::laterPanel() {
  auto apply = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return affine::makeComposedFoldedAffineApply(
        b, loc, AffineMap::get(operands.size(), 0, expr), operands);
  };
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  OpFoldResult panel = ivs[plan.panelDim];
  unsigned cut = plan.reductions[plan.hoisted];
  auto panels = getConstantIntValue(sizes[plan.panelDim]);
  auto depth = getConstantIntValue(sizes[cut]);
  if (plan.panelsInBatch && depth) {
    int64_t length = plan.chunk ? plan.chunk : *depth;
    return {panel, apply(d0 + plan.panelsAhead * length, {lowers[cut]})};
  }
  if (plan.chunk == 0 || !panels || !depth)
    return {apply(d0 + plan.panelsAhead, {panel}), lowers[cut]};
  AffineExpr passed = (d0 + plan.panelsAhead).floorDiv(*panels);
  AffineExpr piece = d1 + passed * plan.chunk;
  int64_t whole = llvm::divideCeil(*depth, plan.chunk) * plan.chunk;
  AffineExpr done = piece.floorDiv(whole);
  SmallVector<OpFoldResult> at{panel, lowers[cut]};
  return {apply(d0 + plan.panelsAhead - (passed - done) * *panels, at),
          apply(piece - done * whole, at)};
}

/// Fetches this block's share of a later panel: when all rows have passed by
/// those before it, it is there.
void NestBuilder::prefetchPanel() {
  if (!plan.panelOperand || plan.panelsAhead == 0)
    return;
  OpOperand &weights = main->getOpOperand(*plan.panelOperand);
  AffineMap map = main.getMatchingIndexingMap(&weights);
  // Where among all rows this block begins.
  AffineExpr position = b.getAffineConstantExpr(0);
  SmallVector<OpFoldResult> operands;
  int64_t total = 1;
  OpFoldResult open;
  for (unsigned dim : plan.parallel) {
    if (map.isFunctionOfDim(dim) || dim == *plan.vectorDim)
      continue;
    auto size = getConstantIntValue(sizes[dim]);
    // Of several loops, an open one must be the outermost.
    if (!size && total > 1)
      return;
    if (!size)
      open = sizes[dim];
    // Several lines pass by together: each row counts for all of them.
    int64_t step = dim == plan.rowDim ? tile.lines : 1;
    position = position * size.value_or(1) +
               b.getAffineDimExpr(operands.size()) * step;
    operands.push_back(ivs[dim]);
    total *= size.value_or(1);
  }
  if (!open)
    return prefetchShare(total, position, operands);
  // How many lines one block asks for is decided here, for about as many rows
  // as there are; if there are more, those at the end ask for none.
  OpBuilder::InsertionGuard guard(b);
  Value rows = getValueOrCreateConstantIndexOp(b, loc, open);
  auto isAtMost = [&](Value value, int64_t most) -> Value {
    Value limit = arith::ConstantIndexOp::create(b, loc, most);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, value,
                                 limit);
  };
  for (int64_t few : {16, 64}) {
    auto choice = scf::IfOp::create(b, loc, isAtMost(rows, 2 * few),
                                    /*withElseRegion=*/true);
    b.setInsertionPointToStart(choice.thenBlock());
    prefetchOpenShare(few * total, position, operands);
    b.setInsertionPointToStart(choice.elseBlock());
  }
  prefetchOpenShare(256 * total, position, operands);
}

/// The share of a block of rows among `total` of them, if any is left.
void NestBuilder::prefetchOpenShare(int64_t total, AffineExpr position,
                                    ArrayRef<OpFoldResult> operands) {
  OpBuilder::InsertionGuard guard(b);
  OpFoldResult at = affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(operands.size(), 0, position), operands);
  Value end = arith::ConstantIndexOp::create(b, loc, total);
  Value left =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                            getValueOrCreateConstantIndexOp(b, loc, at), end);
  auto only = scf::IfOp::create(b, loc, left, /*withElseRegion=*/false);
  b.setInsertionPointToStart(only.thenBlock());
  prefetchShare(total, position, operands);
}

/// The share of a block of rows that begins at `position` of `total`.
void NestBuilder::prefetchShare(int64_t total, AffineExpr position,
                                ArrayRef<OpFoldResult> operands) {
  OpOperand &weights = main->getOpOperand(*plan.panelOperand);
  AffineMap map = main.getMatchingIndexingMap(&weights);
  auto type = cast<MemRefType>(weights.get().getType());
  int64_t lineElements = kLineBytes * 8 / type.getElementTypeBitWidth();
  OpFoldResult first = affine::makeComposedFoldedAffineApply(
      b, loc,
      AffineMap::get(operands.size(), 0,
                     (position * plan.panelLines).floorDiv(total) *
                         lineElements),
      operands);
  SmallVector<Value> indices;
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  auto [panel, piece] = laterPanel();
  for (AffineExpr expr : map.getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    OpFoldResult at = ivs[dim];
    if (dim == plan.panelDim)
      at = panel;
    else if (dim == plan.reductions[plan.hoisted])
      at = piece;
    else if (llvm::is_contained(
                 ArrayRef(plan.reductions).drop_front(plan.hoisted), dim))
      at = lowers[dim];
    indices.push_back(getValueOrCreateConstantIndexOp(b, loc, at));
  }
  int64_t lines = llvm::divideCeil(tile.points() * plan.panelLines, total);
  for (int64_t line = 0; line < lines; ++line) {
    OpFoldResult last = affine::makeComposedFoldedAffineApply(
        b, loc, AffineMap::get(2, 0, d0 + d1 + line * lineElements),
        {getAsOpFoldResult(indices.back()), first});
    SmallVector<Value> where(ArrayRef(indices).drop_back());
    where.push_back(getValueOrCreateConstantIndexOp(b, loc, last));
    memref::PrefetchOp::create(b, loc, weights.get(), where, /*isWrite=*/false,
                               /*localityHint=*/2, /*isDataCache=*/true);
  }
}

/// Fetches the sums that the next block of rows will add to: between two pieces
/// of a reduction they have left the nearest cache.
void NestBuilder::prefetchSums() {
  if (!plan.rowDim)
    return;
  // At the end of a short line of an image the next block is elsewhere. An open
  // size is taken for a long one while whole blocks pass by.
  auto rows = getConstantIntValue(sizes[*plan.rowDim]);
  if (rows ? *rows < kBlocksToFollow * tile.rows : tile.rows < plan.rows)
    return;
  OpFoldResult row = ivs[*plan.rowDim];
  ivs[*plan.rowDim] = affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(1, 0, b.getAffineDimExpr(0) + tile.rows), {row});
  BodyEmitter next(b, main, mainSite());
  for (unsigned out = 0; out < outs; ++out)
    forEachPoint([&](BodyEmitter::Point point) {
      next.prefetch(main.getNumDpsInputs() + out, point);
    });
  ivs[*plan.rowDim] = row;
}

/// Fetches what the epilogue will read for these rows while the reduction runs:
/// a residual comes from far away, a cache line for each row of a panel.
void NestBuilder::prefetchEpilogue() {
  llvm::SmallPtrSet<Value, 4> inRegister;
  for (OpOperand &init : main.getDpsInitsMutable())
    inRegister.insert(init.get());
  for (const Attached &attached : fusion.epilogue) {
    linalg::GenericOp op = attached.op;
    Site site = attachedSite(attached);
    BodyEmitter after(b, op, site);
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto type = dyn_cast<MemRefType>(input->get().getType());
      if (!type || inRegister.contains(input->get()) || !site.rowDim ||
          !site.vectorDim ||
          walkOf(op, *input, *site.rowDim) == Walk::Invariant ||
          walkOf(op, *input, *site.vectorDim) != Walk::Contiguous)
        continue;
      int64_t line = kLineBytes * 8 / type.getElementTypeBitWidth();
      for (int64_t high = 0; high < tile.lines; ++high)
        for (int64_t row = 0; row < tile.rows; ++row)
          for (int64_t at = 0; at < tile.vectors * tile.lanes; at += line)
            after.prefetch(input->getOperandNumber(),
                           {row, at, tile.lanes, high});
    }
    inRegister.insert(op.getDpsInitOperand(0)->get());
  }
}

} // namespace fairway
