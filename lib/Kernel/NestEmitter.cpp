//===- NestEmitter.cpp - loops around a generic's body -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NestEmitter.h"
#include "Access.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace fairway {
namespace {

using Values = SmallVector<Value>;
using LoopBody = llvm::function_ref<Values(OpFoldResult iv, ValueRange)>;
using SegmentBody =
    llvm::function_ref<Values(OpFoldResult iv, int64_t step, ValueRange)>;

class NestEmitter {
public:
  NestEmitter(OpBuilder &b, const Fusion &fusion, const LoopPlan &plan)
      : b(b), loc(fusion.main->getLoc()), fusion(fusion), main(fusion.main),
        plan(plan), outs(main.getNumDpsInits()) {}

  void run() {
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
          storeMain(reduceVertical(plan.hoisted, loadMain()));
        });
      });
      if (!fusion.epilogue.empty())
        forTiles([&] { emitEpilogue(byPoint(loadMain())); });
    });
  }

private:
  /// The block of outputs that one visit of the parallel loops computes.
  struct Tile {
    int64_t rows = 1, vectors = 1, lanes = 1;
    int64_t count() const { return rows * vectors; }
  };

  Values loop(OpFoldResult lower, OpFoldResult upper, int64_t step,
              ValueRange carried, LoopBody body);
  Values segments(OpFoldResult size, ArrayRef<int64_t> steps,
                  ValueRange carried, SegmentBody body);
  SmallVector<int64_t> vectorSteps(OpFoldResult size);
  SmallVector<int64_t> rowSteps(OpFoldResult size);

  void emitParallel(unsigned level, unsigned end,
                    llvm::function_ref<void()> then);
  void emitChunks(unsigned level, llvm::function_ref<void()> then);
  void emitTile();
  void emitVertical();
  void emitHorizontal();
  Values reduceVertical(unsigned level, ValueRange accs);
  Values reduceHorizontal(unsigned level, ValueRange accs);
  Values emitMainPoint(BodyEmitter &body, BodyEmitter::Point point,
                       ValueRange accs);
  Values loadMain();
  Values initialValues();
  void storeMain(ArrayRef<Value> accs);
  SmallVector<Values> byPoint(ArrayRef<Value> accs);
  void finish(ArrayRef<Value> accs);
  void emitEpilogue(ArrayRef<Values> results);

  Site mainSite() { return {ivs, plan.rowDim, plan.vectorDim, tile.rows}; }
  Site attachedSite(const Attached &attached);
  /// The tile's points in the order in which accumulators are held.
  template <typename Fn> void forEachPoint(Fn fn) {
    for (int64_t row = 0; row < tile.rows; ++row)
      for (int64_t v = 0; v < tile.vectors; ++v)
        fn(BodyEmitter::Point{row, v * tile.lanes, tile.lanes});
  }

  OpBuilder &b;
  Location loc;
  const Fusion &fusion;
  linalg::GenericOp main;
  const LoopPlan &plan;
  unsigned outs;
  SmallVector<OpFoldResult> sizes, ivs;
  /// The part of each reduction that one visit covers.
  SmallVector<OpFoldResult> lowers, uppers;
  Tile tile;
};

} // namespace

/// `expr` of up to two values, folded where they are constants.
static OpFoldResult fold(OpBuilder &b, Location loc, AffineExpr expr,
                         ArrayRef<OpFoldResult> operands) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(operands.size(), 0, expr), operands);
}

Values NestEmitter::loop(OpFoldResult lower, OpFoldResult upper, int64_t step,
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
Values NestEmitter::segments(OpFoldResult size, ArrayRef<int64_t> steps,
                             ValueRange carried, SegmentBody body) {
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  Values values(carried);
  OpFoldResult start = b.getIndexAttr(0);
  for (int64_t step : steps) {
    OpFoldResult end = fold(
        b, loc, d0 + (d1 - d0).floorDiv(step) * step, {start, size});
    values = loop(start, end, step, values,
                  [&](OpFoldResult iv, ValueRange args) {
                    return body(iv, step, args);
                  });
    start = end;
  }
  return values;
}

SmallVector<int64_t> NestEmitter::vectorSteps(OpFoldResult size) {
  SmallVector<int64_t> steps{plan.lanes * plan.vectors};
  auto known = getConstantIntValue(size);
  if (!known) {
    if (plan.vectors > 1)
      steps.push_back(plan.lanes);
    if (plan.lanes > 1)
      steps.push_back(1);
    return steps;
  }
  int64_t rest = *known % steps.front();
  if (rest >= plan.lanes)
    steps.push_back(rest / plan.lanes * plan.lanes);
  for (int64_t lanes = plan.lanes / 2; lanes >= 1; lanes /= 2)
    if (rest & lanes)
      steps.push_back(lanes);
  return steps;
}

SmallVector<int64_t> NestEmitter::rowSteps(OpFoldResult size) {
  SmallVector<int64_t> steps{plan.rows};
  if (auto known = getConstantIntValue(size)) {
    if (int64_t rest = *known % plan.rows)
      steps.push_back(rest);
    return steps;
  }
  for (int64_t rows = llvm::bit_floor(uint64_t(plan.rows)); rows >= 1;
       rows /= 2)
    if (rows < plan.rows)
      steps.push_back(rows);
  return steps;
}

void NestEmitter::emitParallel(unsigned level, unsigned end,
                               llvm::function_ref<void()> then) {
  if (level == end)
    return then();
  unsigned dim = plan.parallel[level];
  bool isVector = plan.vectorDim == dim, isRow = plan.rowDim == dim;
  SmallVector<int64_t> steps{1};
  if (isVector)
    steps = vectorSteps(sizes[dim]);
  else if (isRow)
    steps = rowSteps(sizes[dim]);
  segments(sizes[dim], steps, {},
           [&](OpFoldResult iv, int64_t step, ValueRange) -> Values {
             ivs[dim] = iv;
             if (isVector) {
               tile.lanes = std::min(step, plan.lanes);
               tile.vectors = step / tile.lanes;
             } else if (isRow) {
               tile.rows = step;
             }
             emitParallel(level + 1, end, then);
             return {};
           });
}

/// The parts of the reductions that go around the tiles.
void NestEmitter::emitChunks(unsigned level, llvm::function_ref<void()> then) {
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

void NestEmitter::emitTile() {
  if (plan.horizontal)
    emitHorizontal();
  else
    emitVertical();
}

Site NestEmitter::attachedSite(const Attached &attached) {
  Site site;
  for (auto [own, dim] : llvm::enumerate(attached.loops)) {
    site.ivs.push_back(ivs[dim]);
    if (plan.rowDim == dim)
      site.rowDim = own;
    if (plan.vectorDim == dim)
      site.vectorDim = own;
  }
  return site;
}

Values NestEmitter::emitMainPoint(BodyEmitter &body, BodyEmitter::Point point,
                                  ValueRange accs) {
  llvm::DenseMap<unsigned, Value> known;
  for (auto [out, acc] : llvm::enumerate(accs))
    known[main.getNumDpsInputs() + out] = acc;
  return body.emit(point, known);
}

/// All outputs of the tile, from memory or, without a reduction, only where
/// the body reads them.
Values NestEmitter::loadMain() {
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

Values NestEmitter::initialValues() {
  if (!fusion.init)
    return loadMain();
  Values accs;
  BodyEmitter init(b, fusion.init->op, attachedSite(*fusion.init));
  forEachPoint([&](BodyEmitter::Point point) {
    accs.push_back(init.emit(point)[0]);
  });
  return accs;
}

void NestEmitter::storeMain(ArrayRef<Value> accs) {
  BodyEmitter own(b, main, mainSite());
  unsigned at = 0;
  forEachPoint([&](BodyEmitter::Point point) {
    for (unsigned out = 0; out < outs; ++out)
      own.store(accs[at++], main.getNumDpsInputs() + out, point);
  });
}

SmallVector<Values> NestEmitter::byPoint(ArrayRef<Value> accs) {
  SmallVector<Values> results;
  for (; !accs.empty(); accs = accs.drop_front(outs))
    results.push_back(Values(accs.take_front(outs)));
  return results;
}

/// Stores what memory needs of the results and computes what follows them.
void NestEmitter::finish(ArrayRef<Value> accs) {
  if (fusion.storeMain)
    storeMain(accs);
  emitEpilogue(byPoint(accs));
}

/// Runs the epilogue on the results, one list of outs per point.
void NestEmitter::emitEpilogue(ArrayRef<Values> results) {
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

/// Every output has its own lane: accumulators are carried by the loops.
void NestEmitter::emitVertical() {
  Values accs = initialValues();
  if (!plan.reductions.empty())
    return finish(reduceVertical(0, accs));
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

Values NestEmitter::reduceVertical(unsigned level, ValueRange accs) {
  if (level < plan.reductions.size()) {
    unsigned dim = plan.reductions[level];
    return loop(lowers[dim], uppers[dim], 1, accs,
                [&](OpFoldResult iv, ValueRange args) {
                  ivs[dim] = iv;
                  return reduceVertical(level + 1, args);
                });
  }
  BodyEmitter body(b, main, mainSite());
  Values next;
  unsigned at = 0;
  forEachPoint([&](BodyEmitter::Point point) {
    llvm::append_range(
        next, emitMainPoint(body, point, accs.slice(at * outs, outs)));
    ++at;
  });
  return next;
}

/// Lanes lie along a reduction: vector accumulators start from the neutral
/// element, a scalar one per row takes the tail, all are combined at the end.
void NestEmitter::emitHorizontal() {
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
    auto own = ArrayRef<Value>(accs).slice(row * (1 + plan.vectors),
                                           1 + plan.vectors);
    Value sum = own[1];
    for (Value other : own.drop_front(2))
      sum = combine(sum, other);
    Value lane = vector::ReductionOp::create(b, loc, combiner.kind, sum,
                                             reassociate);
    results.push_back(combine(own[0], lane));
  }
  finish(results);
}

Values NestEmitter::reduceHorizontal(unsigned level, ValueRange accs) {
  unsigned dim = plan.reductions[level];
  if (dim != *plan.vectorDim)
    return loop(b.getIndexAttr(0), sizes[dim], 1, accs,
                [&](OpFoldResult iv, ValueRange args) {
                  ivs[dim] = iv;
                  return reduceHorizontal(level + 1, args);
                });
  SmallVector<int64_t> steps{plan.lanes * plan.vectors};
  if (plan.vectors > 1)
    steps.push_back(plan.lanes);
  if (plan.lanes > 1)
    steps.push_back(1);
  return segments(
      sizes[dim], steps, accs,
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
            next[base + 1 + v] =
                emitMainPoint(body, {row, v * plan.lanes, plan.lanes},
                              next[base + 1 + v])[0];
        }
        return next;
      });
}

void emitNest(OpBuilder &builder, const Fusion &fusion, const LoopPlan &plan) {
  NestEmitter(builder, fusion, plan).run();
}

} // namespace fairway
