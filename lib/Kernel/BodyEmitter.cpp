//===- BodyEmitter.cpp - a generic's body as vector code ------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "BodyEmitter.h"
#include "Access.h"
#include "LoopPlan.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace fairway {

bool BodyEmitter::dependsOn(unsigned operand, std::optional<unsigned> dim) {
  if (!dim)
    return false;
  return op.getMatchingIndexingMap(&op->getOpOperand(operand))
      .isFunctionOfDim(*dim);
}

int64_t BodyEmitter::offsetOf(unsigned dim, Point point) const {
  int64_t offset = 0;
  if (site.lineDim == dim)
    offset += point.line;
  if (site.rowDim == dim)
    offset += point.row;
  if (site.vectorDim == dim)
    offset += point.column;
  return offset;
}

Value BodyEmitter::loopValue(unsigned dim, Point point) {
  AffineExpr d0 = b.getAffineDimExpr(0);
  int64_t offset = offsetOf(dim, point);
  OpFoldResult value = affine::makeComposedFoldedAffineApply(
      b, op.getLoc(), AffineMap::get(1, 0, d0 + offset), {site.ivs[dim]});
  return getValueOrCreateConstantIndexOp(b, op.getLoc(), value);
}

SmallVector<Value> BodyEmitter::indices(unsigned operand, Point point) {
  AffineMap map = op.getMatchingIndexingMap(&op->getOpOperand(operand));
  SmallVector<AffineExpr> dims;
  for (unsigned dim = 0; dim < map.getNumDims(); ++dim) {
    dims.push_back(b.getAffineDimExpr(dim) + offsetOf(dim, point));
  }
  SmallVector<Value> result;
  for (AffineExpr expr : map.getResults()) {
    AffineMap single = AffineMap::get(map.getNumDims(), 0,
                                      expr.replaceDims(dims), b.getContext());
    OpFoldResult index =
        affine::makeComposedFoldedAffineApply(b, op.getLoc(), single, site.ivs);
    result.push_back(getValueOrCreateConstantIndexOp(b, op.getLoc(), index));
  }
  return result;
}

/// `base + lane`, for lane = 0 ... count - 1.
static Value addLanes(OpBuilder &b, Location loc, Value base, int64_t count) {
  auto type = VectorType::get({count}, base.getType());
  SmallVector<Attribute> steps;
  for (int64_t lane = 0; lane < count; ++lane)
    steps.push_back(b.getIntegerAttr(base.getType(), lane));
  Value step =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, steps));
  Value splat = vector::BroadcastOp::create(b, loc, type, base);
  return arith::AddIOp::create(b, loc, splat, step);
}

Value BodyEmitter::asVector(Lanes lanes, int64_t count) {
  if (count == 1 || lanes.form == Lanes::Varying)
    return lanes.value;
  if (lanes.form == Lanes::Iota)
    return addLanes(b, op.getLoc(), lanes.value, count);
  Value &splat = broadcasts[{lanes.value, count}];
  if (!splat)
    splat = vector::BroadcastOp::create(
        b, op.getLoc(), VectorType::get({count}, lanes.value.getType()),
        lanes.value);
  return splat;
}

Value BodyEmitter::asLane(Lanes lanes, int64_t lane) {
  Location loc = op.getLoc();
  switch (lanes.form) {
  case Lanes::Uniform:
    return lanes.value;
  case Lanes::Varying:
    return vector::ExtractOp::create(b, loc, lanes.value, lane);
  case Lanes::Iota:
    break;
  }
  if (lane == 0)
    return lanes.value;
  Value offset = arith::ConstantOp::create(
      b, loc, b.getIntegerAttr(lanes.value.getType(), lane));
  return arith::AddIOp::create(b, loc, lanes.value, offset);
}

/// Whether operand `index` lies in memory with rows and lanes exchanged, in
/// square blocks of `lanes`.
bool BodyEmitter::isTransposed(unsigned index, int64_t lanes) {
  OpOperand &operand = op->getOpOperand(index);
  return site.rowDim && site.rows == lanes && lanes <= kMaxTransposeLanes &&
         classifyWalk(op.getMatchingIndexingMap(&operand),
                      cast<MemRefType>(operand.get().getType()),
                      *site.rowDim) == Walk::Contiguous;
}

/// Loads a square block row by row of memory and exchanges rows and lanes, by
/// as many rounds of perfect shuffles as the number of lanes has bits.
void BodyEmitter::loadTransposed(unsigned index, Point point) {
  OpOperand &operand = op->getOpOperand(index);
  Location loc = op.getLoc();
  int64_t count = point.lanes;
  auto type = VectorType::get(
      {count}, cast<MemRefType>(operand.get().getType()).getElementType());
  SmallVector<Value> block;
  for (int64_t lane = 0; lane < count; ++lane)
    block.push_back(
        vector::LoadOp::create(b, loc, type, operand.get(),
                               indices(index, {0, point.column + lane, 1})));
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < count / 2; ++lane) {
    low.append({lane, count + lane});
    high.append({count / 2 + lane, count + count / 2 + lane});
  }
  for (int64_t round = 1; round < count; round *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < count / 2; ++i)
      for (ArrayRef<int64_t> mask : {ArrayRef(low), ArrayRef(high)})
        next.push_back(vector::ShuffleOp::create(b, loc, block[i],
                                                 block[i + count / 2], mask));
    block = next;
  }
  for (int64_t row = 0; row < count; ++row)
    loaded[{index, 0, row, point.column, count}] = {Lanes::Varying, block[row]};
}

BodyEmitter::Lanes BodyEmitter::loadOperand(unsigned index, Point point) {
  OpOperand &operand = op->getOpOperand(index);
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return {Lanes::Uniform, operand.get()};
  Location loc = op.getLoc();
  Walk walk = Walk::Invariant;
  if (point.lanes > 1)
    walk = classifyWalk(op.getMatchingIndexingMap(&operand), type,
                        *site.vectorDim);
  auto key =
      std::make_tuple(index, dependsOn(index, site.lineDim) ? point.line : 0,
                      dependsOn(index, site.rowDim) ? point.row : 0,
                      dependsOn(index, site.vectorDim) ? point.column : 0,
                      walk == Walk::Invariant ? 1 : point.lanes);
  if (auto it = loaded.find(key); it != loaded.end())
    return it->second;

  Lanes result;
  auto vectorType = VectorType::get({point.lanes}, type.getElementType());
  switch (walk) {
  case Walk::Invariant:
    result = {Lanes::Uniform, memref::LoadOp::create(b, loc, operand.get(),
                                                     indices(index, point))};
    break;
  case Walk::Contiguous:
    result = {Lanes::Varying,
              vector::LoadOp::create(b, loc, vectorType, operand.get(),
                                     indices(index, point))};
    break;
  case Walk::Strided: {
    if (isTransposed(index, point.lanes)) {
      loadTransposed(index, point);
      return loaded[key];
    }
    SmallVector<Value> elements;
    for (int64_t lane = 0; lane < point.lanes; ++lane) {
      Point at{point.row, point.column + lane, 1, point.line};
      elements.push_back(
          memref::LoadOp::create(b, loc, operand.get(), indices(index, at)));
    }
    result = {Lanes::Varying,
              vector::FromElementsOp::create(b, loc, vectorType, elements)};
    break;
  }
  }
  loaded[key] = result;
  return result;
}

Value BodyEmitter::load(unsigned index, Point point) {
  return asVector(loadOperand(index, point), point.lanes);
}

void BodyEmitter::prefetch(unsigned index, Point point) {
  memref::PrefetchOp::create(b, op.getLoc(), op->getOpOperand(index).get(),
                             indices(index, point), /*isWrite=*/false,
                             /*localityHint=*/3, /*isDataCache=*/true);
}

void BodyEmitter::store(Value value, unsigned index, Point point) {
  OpOperand &operand = op->getOpOperand(index);
  Location loc = op.getLoc();
  if (point.lanes == 1) {
    memref::StoreOp::create(b, loc, value, operand.get(),
                            indices(index, point));
    return;
  }
  Walk walk =
      classifyWalk(op.getMatchingIndexingMap(&operand),
                   cast<MemRefType>(operand.get().getType()), *site.vectorDim);
  if (walk == Walk::Contiguous) {
    vector::StoreOp::create(b, loc, value, operand.get(),
                            indices(index, point));
    return;
  }
  for (int64_t lane = 0; lane < point.lanes; ++lane) {
    Value element = vector::ExtractOp::create(b, loc, value, lane);
    memref::StoreOp::create(
        b, loc, element, operand.get(),
        indices(index, {point.row, point.column + lane, 1, point.line}));
  }
}

/// Multiplications and additions may become fused multiply-additions.
static void allowContraction(Operation *inner) {
  auto math = dyn_cast<arith::ArithFastMathInterface>(inner);
  if (!math || !isa<arith::MulFOp, arith::AddFOp, arith::SubFOp>(inner))
    return;
  auto flags = math.getFastMathFlagsAttr().getValue();
  inner->setAttr(
      math.getFastMathAttrName(),
      arith::FastMathFlagsAttr::get(inner->getContext(),
                                    flags | arith::FastMathFlags::contract));
}

Operation *BodyEmitter::cloneScalar(Operation *inner, ValueRange operands) {
  IRMapping mapping;
  mapping.map(inner->getOperands(), operands);
  Operation *clone = b.clone(*inner, mapping);
  allowContraction(clone);
  return clone;
}

BodyEmitter::Lanes BodyEmitter::emitIndex(linalg::IndexOp index, Point point) {
  unsigned dim = index.getDim();
  bool along = point.lanes > 1 && site.vectorDim == dim;
  return {along ? Lanes::Iota : Lanes::Uniform, loopValue(dim, point)};
}

BodyEmitter::Lanes BodyEmitter::emitLaneByLane(Operation *inner,
                                               ArrayRef<Lanes> operands,
                                               Point point) {
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < point.lanes; ++lane) {
    SmallVector<Value> scalars;
    for (const Lanes &operand : operands)
      scalars.push_back(asLane(operand, lane));
    elements.push_back(cloneScalar(inner, scalars)->getResult(0));
  }
  auto type = VectorType::get({point.lanes}, inner->getResult(0).getType());
  return {Lanes::Varying,
          vector::FromElementsOp::create(b, op.getLoc(), type, elements)};
}

BodyEmitter::Lanes BodyEmitter::emitGather(memref::LoadOp gather,
                                           ArrayRef<Lanes> operands,
                                           Point point) {
  // Element `base + lane` of the innermost dimension, other indices alike: a
  // vector load (an embedding's row).
  ArrayRef<Lanes> at = operands.drop_front();
  int64_t offset;
  SmallVector<int64_t> strides;
  bool unit =
      succeeded(gather.getMemRefType().getStridesAndOffset(strides, offset)) &&
      !strides.empty() && strides.back() == 1;
  if (unit && at.back().form == Lanes::Iota &&
      llvm::all_of(at.drop_back(),
                   [](const Lanes &l) { return l.form == Lanes::Uniform; })) {
    SmallVector<Value> where;
    for (const Lanes &l : at)
      where.push_back(l.value);
    auto type =
        VectorType::get({point.lanes}, gather.getMemRefType().getElementType());
    return {Lanes::Varying, vector::LoadOp::create(b, op.getLoc(), type,
                                                   gather.getMemRef(), where)};
  }
  return emitLaneByLane(gather, operands, point);
}

BodyEmitter::Lanes BodyEmitter::emitOp(Operation *inner,
                                       ArrayRef<Lanes> operands, Point point) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner))
    return emitIndex(index, point);
  auto isForm = [&](unsigned i, Lanes::Form form) {
    return operands[i].form == form;
  };
  bool uniform = llvm::all_of(
      operands, [](const Lanes &l) { return l.form == Lanes::Uniform; });
  if (uniform) {
    SmallVector<Value> scalars;
    for (const Lanes &operand : operands)
      scalars.push_back(operand.value);
    return {Lanes::Uniform, cloneScalar(inner, scalars)->getResult(0)};
  }
  // Index arithmetic that keeps the form `base + lane`.
  bool keepsIota = (isa<arith::IndexCastOp>(inner) && isForm(0, Lanes::Iota)) ||
                   (isa<arith::AddIOp>(inner) &&
                    isForm(0, Lanes::Iota) != isForm(1, Lanes::Iota) &&
                    (isForm(0, Lanes::Uniform) || isForm(1, Lanes::Uniform))) ||
                   (isa<arith::SubIOp>(inner) && isForm(0, Lanes::Iota) &&
                    isForm(1, Lanes::Uniform));
  if (keepsIota) {
    SmallVector<Value> scalars;
    for (const Lanes &operand : operands)
      scalars.push_back(operand.value);
    return {Lanes::Iota, cloneScalar(inner, scalars)->getResult(0)};
  }
  if (auto gather = dyn_cast<memref::LoadOp>(inner))
    return emitGather(gather, operands, point);
  if (!OpTrait::hasElementwiseMappableTraits(inner) ||
      inner->getNumResults() != 1)
    return emitLaneByLane(inner, operands, point);

  SmallVector<Value> vectors;
  for (const Lanes &operand : operands)
    vectors.push_back(asVector(operand, point.lanes));
  OperationState state(inner->getLoc(), inner->getName());
  state.addOperands(vectors);
  state.addTypes(VectorType::get({point.lanes}, inner->getResult(0).getType()));
  state.addAttributes(inner->getDiscardableAttrDictionary().getValue());
  if (Attribute properties = inner->getPropertiesAsAttribute())
    state.propertiesAttr = properties;
  Operation *created = b.create(state);
  allowContraction(created);
  return {Lanes::Varying, created->getResult(0)};
}

SmallVector<Value>
BodyEmitter::emit(Point point, const llvm::DenseMap<unsigned, Value> &known) {
  Block *body = op.getBlock();
  llvm::DenseMap<Value, Lanes> values;
  Lanes::Form inRegister = point.lanes > 1 ? Lanes::Varying : Lanes::Uniform;
  for (BlockArgument arg : body->getArguments()) {
    if (auto it = known.find(arg.getArgNumber()); it != known.end())
      values[arg] = {inRegister, it->second};
    else if (!arg.use_empty())
      values[arg] = loadOperand(arg.getArgNumber(), point);
  }
  auto lookup = [&](Value v) -> Lanes {
    auto it = values.find(v);
    // Defined outside of the generic: the same everywhere.
    return it == values.end() ? Lanes{Lanes::Uniform, v} : it->second;
  };

  IRMapping scalars; // for operations that capture values in regions
  for (Operation &inner : body->without_terminator()) {
    if (inner.getNumResults() == 1 && inner.getNumRegions() == 0) {
      SmallVector<Lanes> operands;
      for (Value v : inner.getOperands())
        operands.push_back(lookup(v));
      values[inner.getResult(0)] = emitOp(&inner, operands, point);
      continue;
    }
    assert(point.lanes == 1 && "only scalar code may hold regions");
    for (auto &[key, lanes] : values)
      scalars.map(key, lanes.value);
    Operation *clone = b.clone(inner, scalars);
    for (auto [from, to] : llvm::zip(inner.getResults(), clone->getResults()))
      values[from] = {Lanes::Uniform, to};
  }
  SmallVector<Value> results;
  for (Value v : body->getTerminator()->getOperands())
    results.push_back(asVector(lookup(v), point.lanes));
  return results;
}

} // namespace fairway
