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
