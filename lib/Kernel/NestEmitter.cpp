//===- NestEmitter.cpp - loops around a generic's body --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NestBuilder.h"
#include "RowBlocks.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace fairway {

/// `expr` of up to two values, folded where they are constants.
static OpFoldResult fold(OpBuilder &b, Location loc, AffineExpr expr,
                         ArrayRef<OpFoldResult> operands) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(operands.size(), 0, expr), operands);
}

Values NestBuilder::loop(OpFoldResult lower, OpFoldResult upper, int64_t step,
                         ValueRange carried, LoopBody body) {
  auto low = getConstantIntValue(lower), high = getConstantIntValue(upper);
  if (low && high && *low >= *high)
    return Values(carried);
  if (low && high && *low + step >= *high)
    return body(lower, carried);
  Value lo = getValueOrCreateConstantIndexOp(b, loc, lower);
  Value hi = getValueOrCreateConstantIndexOp(b, loc, upper);
  Value by = arith::ConstantIndexOp::create(b, loc, step);
  auto forOp = scf::ForOp::create(
      b, loc, lo, hi, by, carried,
      [&](OpBuilder &nested, Location, Value iv, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Values results = body(iv, args);
        scf::YieldOp::create(b, loc, results);
      });
  return Values(forOp.getResults());
}

/// Covers [0, size) with steps of falling length; the body sees a static step.
Values NestBuilder::segments(OpFoldResult size, ArrayRef<Segment> parts,
                             ValueRange carried, SegmentBody body) {
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  Values values(carried);
  OpFoldResult start = b.getIndexAttr(0);
  for (const Segment &part : parts) {
    int64_t step = part.step;
    OpFoldResult end =
        part.end
            ? OpFoldResult(b.getIndexAttr(*part.end))
            : fold(b, loc, d0 + (d1 - d0).floorDiv(step) * step, {start, size});
    values =
        loop(start, end, step, values, [&](OpFoldResult iv, ValueRange args) {
          return body(iv, step, args);
        });
    start = end;
  }
  return values;
}

SmallVector<NestBuilder::Segment>
NestBuilder::vectorSegments(OpFoldResult size) {
  SmallVector<Segment> parts{{plan.lanes * plan.vectors}};
  auto known = getConstantIntValue(size);
  if (!known) {
    // Halves down to one element: a tail takes as many steps as it has bits.
    for (int64_t lanes = plan.lanes; lanes >= 1; lanes /= 2)
      if (lanes < parts.front().step)
        parts.push_back({lanes});
    return parts;
  }
  int64_t rest = *known % parts.front().step;
  if (rest >= plan.lanes)
    parts.push_back({rest / plan.lanes * plan.lanes});
  for (int64_t lanes = plan.lanes / 2; lanes >= 1; lanes /= 2)
    if (rest & lanes)
      parts.push_back({lanes});
  return parts;
}

SmallVector<NestBuilder::Segment> NestBuilder::evenSegments(int64_t size,
                                                            int64_t most) {
  EvenBlocks even(size, most);
  SmallVector<Segment> parts;
  if (even.larger > 0)
    parts.push_back({even.few + 1, even.larger * (even.few + 1)});
  if (even.few > 0)
    parts.push_back({even.few, size});
  return parts;
}

SmallVector<NestBuilder::Segment> NestBuilder::rowSegments(OpFoldResult size) {
  auto known = getConstantIntValue(size);
  if (known && plan.reductions.empty()) {
    // Whole blocks, which can be transposed in registers.
    SmallVector<Segment> parts{{plan.rows}};
    if (int64_t rest = *known % plan.rows)
      parts.push_back({rest});
    return parts;
  }
  if (known) {
    // A block of few rows takes as long as one of several, since its additions
    // wait for each other: 49 rows are 4 * 6 + 5 * 5, not 8 * 6 + 1.
    int64_t most = plan.rows;
    if (plan.lineDim && !plan.table)
      most = plan.points / tile.lines;
    return evenSegments(*known, std::max<int64_t>(1, most));
  }
  SmallVector<Segment> parts{{plan.rows}};
  for (int64_t rows = llvm::bit_floor(uint64_t(plan.rows)); rows >= 1;
       rows /= 2)
    if (rows < plan.rows)
      parts.push_back({rows});
  return parts;
}

void NestBuilder::emitParallel(unsigned level, unsigned end,
                               llvm::function_ref<void()> then) {
  if (level == end)
    return then();
  unsigned dim = plan.parallel[level];
  bool isVector = plan.vectorDim == dim, isRow = plan.rowDim == dim,
       isLine = plan.lineDim == dim;
  SmallVector<Segment> parts{{1}};
  if (isVector)
    parts = vectorSegments(sizes[dim]);
  else if (isRow)
    parts = rowSegments(sizes[dim]);
  else if (isLine)
    parts = evenSegments(*getConstantIntValue(sizes[dim]), plan.lines);
  segments(sizes[dim], parts, {},
           [&](OpFoldResult iv, int64_t step, ValueRange) -> Values {
             ivs[dim] = iv;
             if (isVector) {
               tile.lanes = std::min(step, plan.lanes);
               tile.vectors = step / tile.lanes;
             } else if (isRow) {
               tile.rows = step;
             } else if (isLine) {
               tile.lines = step;
             }
             emitParallel(level + 1, end, then);
             return {};
           });
}

/// The parts of the reductions that go around the tiles.
void NestBuilder::emitChunks(unsigned level, llvm::function_ref<void()> then) {
  if (level < plan.hoisted) {
    unsigned dim = plan.reductions[level];
    loop(b.getIndexAttr(0), sizes[dim], 1, {},
         [&](OpFoldResult iv, ValueRange) -> Values {
           ivs[dim] = iv;
           emitChunks(level + 1, then);
           return {};
         });
    return;
  }
  if (plan.chunk == 0)
    return then();
  unsigned dim = plan.reductions[level];
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  loop(b.getIndexAttr(0), sizes[dim], plan.chunk, {},
       [&](OpFoldResult iv, ValueRange) -> Values {
         lowers[dim] = iv;
         if (*getConstantIntValue(sizes[dim]) % plan.chunk == 0)
           uppers[dim] = fold(b, loc, d0 + plan.chunk, {iv});
         else
           uppers[dim] = affine::makeComposedFoldedAffineMin(
               b, loc,
               AffineMap::get(2, 0, {d0 + plan.chunk, d1}, b.getContext()),
               {iv, sizes[dim]});
         then();
         return {};
       });
}

void NestBuilder::emitTile() {
  if (plan.horizontal)
    emitHorizontal();
  else
    emitVertical();
}

void NestBuilder::run() {
  auto loops = cast<linalg::LinalgOp>(main.getOperation());
  for (Range range : loops.createLoopRanges(b, loc))
    sizes.push_back(range.size);
  ivs.assign(sizes.size(), b.getIndexAttr(0));
  lowers = ivs;
  uppers = sizes;
  unsigned all = plan.parallel.size();
  if (!plan.isChunked())
    return emitParallel(0, all, [&] { emitTile(); });
  emitParallel(0, plan.chunkLevel, [&] {
    auto forTiles = [&](llvm::function_ref<void()> then) {
      emitParallel(plan.chunkLevel, all, then);
    };
    if (fusion.init)
      forTiles([&] { storeMain(initialValues()); });
    emitChunks(0, [&] {
      forTiles([&] {
        Values accs = loadMain();
        prefetchPanel();
        prefetchSums();
        storeMain(reduceVertical(plan.hoisted, accs));
      });
    });
    if (!fusion.epilogue.empty())
      forTiles([&] { emitEpilogue(byPoint(loadMain())); });
  });
}

void emitNest(OpBuilder &builder, const Fusion &fusion, const LoopPlan &plan) {
  NestBuilder(builder, fusion, plan).run();
}

} // namespace fairway
