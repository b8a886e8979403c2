//===- NestTiles.cpp - what a loop nest does in one tile ------------------===//
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

/// LLVM may unroll loops of no more steps, such as over a window.
static constexpr uint64_t kMaxUnrolledSteps = 4;

Site NestBuilder::attachedSite(const Attached &attached) {
  Site site;
  for (auto [own, dim] : llvm::enumerate(attached.loops)) {
    site.ivs.push_back(ivs[dim]);
    if (plan.lineDim == dim)
      site.lineDim = own;
    if (plan.rowDim == dim)
      site.rowDim = own;
    if (plan.vectorDim == dim)
      site.vectorDim = own;
  }
  return site;
}

Values NestBuilder::emitMainPoint(BodyEmitter &body, BodyEmitter::Point point,
                                  ValueRange accs) {
  llvm::DenseMap<unsigned, Value> known;
  for (auto [out, acc] : llvm::enumerate(accs))
    known[main.getNumDpsInputs() + out] = acc;
  return body.emit(point, known);
}

/// All outputs of the tile, from memory or, without a reduction, only where
/// the body reads them.
Values NestBuilder::loadMain() {
  Values accs;
  BodyEmitter own(b, main, mainSite());
  forEachPoint([&](BodyEmitter::Point point) {
    for (unsigned out = 0; out < outs; ++out) {
      unsigned operand = main.getNumDpsInputs() + out;
      bool needed = !plan.reductions.empty() || readsOperand(main, operand);
      accs.push_back(needed ? own.load(operand, point) : Value());
    }
  });
  return accs;
}

Values NestBuilder::initialValues() {
  if (!fusion.init)
    return loadMain();
  Values accs;
  BodyEmitter init(b, fusion.init->op, attachedSite(*fusion.init));
  forEachPoint(
      [&](BodyEmitter::Point point) { accs.push_back(init.emit(point)[0]); });
  return accs;
}

void NestBuilder::storeMain(ArrayRef<Value> accs) {
  BodyEmitter own(b, main, mainSite());
  unsigned at = 0;
  forEachPoint([&](BodyEmitter::Point point) {
    for (unsigned out = 0; out < outs; ++out)
      own.store(accs[at++], main.getNumDpsInputs() + out, point);
  });
}

SmallVector<Values> NestBuilder::byPoint(ArrayRef<Value> accs) {
  SmallVector<Values> results;
  for (; !accs.empty(); accs = accs.drop_front(outs))
    results.push_back(Values(accs.take_front(outs)));
  return results;
}

/// Stores what memory needs of the results and computes what follows them.
void NestBuilder::finish(ArrayRef<Value> accs) {
  if (fusion.storeMain)
    storeMain(accs);
  emitEpilogue(byPoint(accs));
}

/// Runs the epilogue on the results, one list of outs per point.
void NestBuilder::emitEpilogue(ArrayRef<Values> results) {
  if (fusion.epilogue.empty())
    return;
  // Buffers whose element at each point is in a register.
  SmallVector<llvm::DenseMap<Value, Value>> inRegister(results.size());
  for (auto [at, values] : llvm::enumerate(results))
    for (unsigned out = 0; out < outs; ++out)
      inRegister[at][main.getDpsInitOperand(out)->get()] = values[out];
  for (unsigned index = 0; index < fusion.epilogue.size(); ++index) {
    const Attached &attached = fusion.epilogue[index];
    bool mustStore = fusion.storeEpilogue[index];
    BodyEmitter after(b, attached.op, attachedSite(attached));
    linalg::GenericOp op = attached.op;
    unsigned at = 0;
    forEachPoint([&](BodyEmitter::Point point) {
      llvm::DenseMap<unsigned, Value> known;
      for (OpOperand &operand : op->getOpOperands())
        if (auto it = inRegister[at].find(operand.get());
            it != inRegister[at].end())
          known[operand.getOperandNumber()] = it->second;
      Values values = after.emit(point, known);
      for (auto [out, value] : llvm::enumerate(values)) {
        inRegister[at][op.getDpsInitOperand(out)->get()] = value;
        if (mustStore)
          after.store(value, op.getNumDpsInputs() + out, point);
      }
      ++at;
    });
  }
}

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
  auto type = cast<MemRefType>(weights.get().getType());
  // Where among all rows this block begins.
  AffineExpr position = b.getAffineConstantExpr(0);
  SmallVector<OpFoldResult> operands;
  int64_t total = 1;
  for (unsigned dim : plan.parallel) {
    if (map.isFunctionOfDim(dim) || dim == *plan.vectorDim)
      continue;
    auto size = getConstantIntValue(sizes[dim]);
    if (!size)
      return;
    // Several lines pass by together: each row counts for all of them.
    int64_t step = dim == plan.rowDim ? tile.lines : 1;
    position = position * *size + b.getAffineDimExpr(operands.size()) * step;
    operands.push_back(ivs[dim]);
    total *= *size;
  }
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
  auto rows = plan.rowDim ? getConstantIntValue(sizes[*plan.rowDim])
                          : std::optional<int64_t>();
  // At the end of a short line of an image the next block is elsewhere.
  if (!rows || *rows < kBlocksToFollow * tile.rows)
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

/// Every output has its own lane: accumulators are carried by the loops.
void NestBuilder::emitVertical() {
  Values accs = initialValues();
  if (plan.table)
    return finish(reduceTable(accs));
  if (!plan.reductions.empty()) {
    prefetchPanel();
    prefetchEpilogue();
    return finish(reduceVertical(0, accs));
  }
  BodyEmitter body(b, main, mainSite());
  Values results;
  unsigned at = 0;
  forEachPoint([&](BodyEmitter::Point point) {
    llvm::DenseMap<unsigned, Value> known;
    for (unsigned out = 0; out < outs; ++out, ++at)
      if (accs[at])
        known[main.getNumDpsInputs() + out] = accs[at];
    llvm::append_range(results, body.emit(point, known));
  });
  finish(results);
}

/// Asks for no unrolling of the loop that gives `sums`, if it is long and each
/// of its multiply-adds needs a broadcast of its own: of two steps side by side
/// the scheduler makes one with more broadcasts than there are registers, and
/// spills sums.
void NestBuilder::keepRolled(ValueRange sums) {
  auto innermost =
      sums.empty() ? scf::ForOp() : sums[0].getDefiningOp<scf::ForOp>();
  if (!innermost || !plan.vectorDim || tile.vectors > 1)
    return;
  std::optional<APInt> steps = innermost.getStaticTripCount();
  bool broadcasts =
      llvm::any_of(main.getDpsInputOperands(), [&](OpOperand *input) {
        return readsOperand(main, input->getOperandNumber()) &&
               walkOf(main, *input, *plan.vectorDim) == Walk::Invariant;
      });
  if (!broadcasts || (steps && steps->ule(kMaxUnrolledSteps)))
    return;
  auto unroll = LLVM::LoopUnrollAttr::get(
      b.getContext(), /*disable=*/b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  innermost->setAttr("loop_annotation",
                     LLVM::LoopAnnotationAttr::get(
                         b.getContext(), /*disableNonforced=*/{}, {}, {},
                         unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}));
}

Values NestBuilder::reduceVertical(unsigned level, ValueRange accs) {
  if (level < plan.reductions.size()) {
    unsigned dim = plan.reductions[level];
    Values sums = loop(lowers[dim], uppers[dim], 1, accs,
                       [&](OpFoldResult iv, ValueRange args) {
                         ivs[dim] = iv;
                         return reduceVertical(level + 1, args);
                       });
    if (level + 1 == plan.reductions.size())
      keepRolled(sums);
    return sums;
  }
  BodyEmitter body(b, main, mainSite());
  Values next;
  unsigned at = 0;
  forEachPoint([&](BodyEmitter::Point point) {
    llvm::append_range(next,
                       emitMainPoint(body, point, accs.slice(at * outs, outs)));
    ++at;
  });
  return next;
}

/// Lanes lie along a reduction: vector accumulators start from the neutral
/// element, a scalar one per row takes the tail, all are combined at the end.
void NestBuilder::emitHorizontal() {
  Combiner combiner = *matchCombiner(main, 0);
  Type element = combiner.neutral.getType();
  auto vectorType = VectorType::get({plan.lanes}, element);
  Value neutral = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(vectorType, Attribute(combiner.neutral)));

  // The tile's outputs are scalars, one per row.
  tile.vectors = 1;
  tile.lanes = 1;
  Values accs; // per row: the scalar, then the vectors
  for (Value initial : initialValues()) {
    accs.push_back(initial);
    accs.append(plan.vectors, neutral);
  }
  accs = reduceHorizontal(0, accs);

  Values results;
  auto combine = [&](Value left, Value right) {
    OperationState state(loc, combiner.op->getName());
    state.addOperands({left, right});
    state.addTypes(left.getType());
    return b.create(state)->getResult(0);
  };
  auto reassociate = arith::FastMathFlags::reassoc;
  for (int64_t row = 0; row < tile.rows; ++row) {
    auto own =
        ArrayRef<Value>(accs).slice(row * (1 + plan.vectors), 1 + plan.vectors);
    Value sum = own[1];
    for (Value other : own.drop_front(2))
      sum = combine(sum, other);
    Value lane =
        vector::ReductionOp::create(b, loc, combiner.kind, sum, reassociate);
    results.push_back(combine(own[0], lane));
  }
  finish(results);
}

Values NestBuilder::reduceHorizontal(unsigned level, ValueRange accs) {
  unsigned dim = plan.reductions[level];
  if (dim != *plan.vectorDim)
    return loop(b.getIndexAttr(0), sizes[dim], 1, accs,
                [&](OpFoldResult iv, ValueRange args) {
                  ivs[dim] = iv;
                  return reduceHorizontal(level + 1, args);
                });
  SmallVector<Segment> parts{{plan.lanes * plan.vectors}};
  if (plan.vectors > 1)
    parts.push_back({plan.lanes});
  if (plan.lanes > 1)
    parts.push_back({1});
  return segments(
      sizes[dim], parts, accs,
      [&](OpFoldResult iv, int64_t step, ValueRange args) {
        ivs[dim] = iv;
        BodyEmitter body(b, main, mainSite());
        Values next(args);
        for (int64_t row = 0; row < tile.rows; ++row) {
          int64_t base = row * (1 + plan.vectors);
          if (step < plan.lanes) {
            next[base] = emitMainPoint(body, {row, 0, 1}, next[base])[0];
            continue;
          }
          for (int64_t v = 0; v < step / plan.lanes; ++v)
            next[base + 1 + v] = emitMainPoint(
                body, {row, v * plan.lanes, plan.lanes}, next[base + 1 + v])[0];
        }
        return next;
      });
}

} // namespace fairway
