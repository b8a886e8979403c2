//===- LoopPlan.cpp - which loops become vectors and registers ------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopPlan.h"
#include "Access.h"
#include "PanelPlan.h"
#include "RowBlocks.h"
#include "TablePlan.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace fairway {

/// Stands for the length of loops whose bounds are not known.
static constexpr int64_t kUnknownSize = 64;

bool analyzeVarying(linalg::GenericOp op, unsigned dim,
                    llvm::DenseSet<Value> &varying) {
  Block *body = op.getBlock();
  for (OpOperand &operand : op->getOpOperands())
    if (op.isDpsInit(&operand) || walkOf(op, operand, dim) != Walk::Invariant)
      varying.insert(body->getArgument(operand.getOperandNumber()));
  for (Operation &inner : body->without_terminator()) {
    if (inner.getNumRegions() != 0 || inner.getNumResults() != 1)
      return false;
    if (!isMemoryEffectFree(&inner) && !isa<memref::LoadOp>(inner))
      return false;
    bool varies = false;
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      varies = index.getDim() == dim;
    for (Value v : inner.getOperands())
      varies |= varying.contains(v);
    if (varies)
      varying.insert(inner.result_begin(), inner.result_end());
  }
  return true;
}

/// Bits of the widest element that a vector of this body holds.
static unsigned widestBits(linalg::GenericOp op,
                           const llvm::DenseSet<Value> &varying) {
  unsigned bits = 8;
  auto note = [&](Value v) {
    // Indices along the vector loop mostly stay `base + lane` and need no
    // vector; where they do, code is split by the back end.
    if (!varying.contains(v) || !v.getType().isIntOrFloat())
      return;
    if (v.getDefiningOp<arith::IndexCastOp>())
      return;
    bits = std::max(bits, v.getType().getIntOrFloatBitWidth());
  };
  for (BlockArgument arg : op.getBlock()->getArguments())
    if (!arg.use_empty() || arg.getArgNumber() >= op.getNumDpsInputs())
      note(arg);
  for (Operation &inner : op.getBlock()->without_terminator())
    for (Value v : inner.getResults())
      note(v);
  return bits;
}

namespace {
/// One way to vectorize, with its price per element.
struct Candidate {
  std::optional<unsigned> dim;
  bool horizontal = false;
  int64_t lanes = 1;
  double cost = 0;
};
} // namespace

static int64_t sizeOr(int64_t size) {
  return ShapedType::isDynamic(size) ? kUnknownSize : size;
}

static bool allCombinersMatch(linalg::GenericOp op) {
  return op.getNumDpsInits() == 1 && matchCombiner(op, 0).has_value();
}

/// Prices `dim` as the vector loop; nothing if it cannot be.
static std::optional<Candidate> priceDim(linalg::GenericOp op, unsigned dim,
                                         int64_t size, const VectorUnit &unit) {
  bool reduction =
      op.getIteratorTypesArray()[dim] == utils::IteratorType::reduction;
  if (size < 2 || (reduction && !allCombinersMatch(op)))
    return std::nullopt;
  llvm::DenseSet<Value> varying;
  if (!analyzeVarying(op, dim, varying))
    return std::nullopt;
  int64_t lanes = std::max<int64_t>(1, unit.bits / widestBits(op, varying));
  lanes = std::min<int64_t>(lanes, llvm::bit_floor(uint64_t(size)));
  if (lanes < 2)
    return std::nullopt;

  double vectorCost = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    bool init = op.isDpsInit(&operand);
    if (!init && !readsOperand(op, operand.getOperandNumber()))
      continue;
    switch (walkOf(op, operand, dim)) {
    case Walk::Invariant:
      if (init && !reduction)
        return std::nullopt;
      vectorCost += 0.2;
      break;
    case Walk::Contiguous:
      vectorCost += init ? 0.8 : 1.0;
      break;
    case Walk::Strided:
      vectorCost += init ? lanes * 1.6 : lanes * 1.2;
      break;
    }
  }
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (isa<memref::LoadOp>(inner) && varying.contains(inner.getResult(0)))
      vectorCost += lanes * 1.1;
    else
      vectorCost += 0.5;
  }
  // A tail runs in narrower vectors, down to one element.
  int64_t steps = size / lanes + llvm::popcount(uint64_t(size % lanes));
  double cost = vectorCost * double(steps) / double(size);
  if (reduction)
    cost += 8.0 / double(size);
  return Candidate{dim, reduction, lanes, cost};
}

/// `dims` by rising `key`, in their own order where it is equal.
static SmallVector<unsigned> sortedBy(ArrayRef<unsigned> dims,
                                      llvm::function_ref<int(unsigned)> key) {
  SmallVector<std::tuple<int, unsigned, unsigned>> keyed;
  for (auto [position, dim] : llvm::enumerate(dims))
    keyed.emplace_back(key(dim), position, dim);
  llvm::sort(keyed);
  return llvm::map_to_vector(keyed, [](auto &k) { return std::get<2>(k); });
}

static void orderLoops(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                       LoopPlan &plan) {
  auto iterators = op.getIteratorTypesArray();
  for (auto [dim, kind] : llvm::enumerate(iterators))
    (kind == utils::IteratorType::parallel ? plan.parallel : plan.reductions)
        .push_back(dim);

  // Contractions: operands that the vectors are loaded from (weights) should
  // stay in cache while everything else passes by, so their loops go outside.
  // Where both are (depthwise), the weights are what all rows share: per block
  // of channels the rows of the window before stay in the nearest cache.
  bool vectorsOutside = false;
  if (!plan.reductions.empty() && plan.vectorDim && !plan.horizontal) {
    llvm::SmallDenseSet<unsigned> outer, shared;
    bool uneven = false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (!readsOperand(op, input->getOperandNumber()))
        continue;
      if (walkOf(op, *input, *plan.vectorDim) == Walk::Invariant) {
        uneven = true;
        continue;
      }
      AffineMap map = op.getMatchingIndexingMap(input);
      bool isShared = plan.rowDim && !map.isFunctionOfDim(*plan.rowDim);
      for (unsigned dim : plan.parallel)
        if (map.isFunctionOfDim(dim)) {
          outer.insert(dim);
          if (isShared)
            shared.insert(dim);
        }
    }
    if (!uneven) {
      outer = shared;
      vectorsOutside = shared.contains(*plan.vectorDim);
    }
    if (!outer.empty())
      plan.parallel = sortedBy(
          plan.parallel, [&](unsigned dim) { return !outer.contains(dim); });
  }
  auto toBack = [&](std::optional<unsigned> dim) {
    if (!dim || !llvm::is_contained(plan.parallel, *dim))
      return;
    llvm::erase(plan.parallel, *dim);
    plan.parallel.push_back(*dim);
  };
  // With a row loop the rows pass by innermost; else vectors do.
  if (plan.rowDim && plan.rows > 1) {
    if (!vectorsOutside)
      toBack(plan.vectorDim);
    toBack(plan.rowDim);
  } else {
    toBack(plan.vectorDim);
  }

  // Reductions: the loop that walks memory in the smallest steps innermost.
  auto contiguousUses = [&](unsigned dim) {
    int count = 0;
    for (OpOperand *input : op.getDpsInputOperands())
      if (readsOperand(op, input->getOperandNumber()))
        count += walkOf(op, *input, dim) == Walk::Contiguous;
    return count;
  };
  plan.reductions = sortedBy(plan.reductions, contiguousUses);
  if (plan.horizontal) {
    llvm::erase(plan.reductions, *plan.vectorDim);
    plan.reductions.push_back(*plan.vectorDim);
  }
}

/// Without a reduction, rows serve to read operands that lie in memory with
/// another loop innermost: a square block of them at a time.
static void planTranspose(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                          LoopPlan &plan) {
  if (plan.lanes > kMaxTransposeLanes)
    return;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!readsOperand(op, input->getOperandNumber()) ||
        walkOf(op, *input, *plan.vectorDim) != Walk::Strided)
      continue;
    for (unsigned dim = 0; dim < sizes.size(); ++dim) {
      if (sizeOr(sizes[dim]) < plan.lanes ||
          walkOf(op, *input, dim) != Walk::Contiguous)
        continue;
      plan.rowDim = dim;
      plan.rows = plan.lanes;
      // Write whole cache lines.
      if (sizeOr(sizes[*plan.vectorDim]) >= 2 * plan.lanes)
        plan.vectors = 2;
      return;
    }
  }
}

/// Chooses the loop to unroll over registers, and how far.
static void planRows(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                     const VectorUnit &unit, const LoopLimits &limits,
                     LoopPlan &plan) {
  auto iterators = op.getIteratorTypesArray();
  if (op.getNumReductionLoops() == 0)
    return planTranspose(op, sizes, plan);
  int64_t vectorSize = sizeOr(sizes[*plan.vectorDim]);
  int64_t outs = op.getNumDpsInits();
  int64_t budget = std::max<int64_t>(1, (int64_t(unit.registers) - 2) / outs);

  std::optional<unsigned> best;
  double bestGain = -1;
  for (auto [dim, kind] : llvm::enumerate(iterators)) {
    int64_t size = sizeOr(sizes[dim]);
    if (kind != utils::IteratorType::parallel || dim == *plan.vectorDim ||
        size < 2)
      continue;
    // Gain: vector loads that all rows share.
    double gain = 0;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (!readsOperand(op, input->getOperandNumber()))
        continue;
      Walk walk = walkOf(op, *input, *plan.vectorDim);
      if (walkOf(op, *input, dim) == Walk::Invariant)
        gain += walk == Walk::Invariant ? 0.25 : 1.0;
    }
    gain += std::min<double>(double(size), 12.0) / 100.0 + 0.001 * dim;
    if (gain > bestGain) {
      bestGain = gain;
      best = dim;
    }
  }

  if (plan.horizontal) {
    // A few independent sums hide the latency of the addition.
    plan.vectors = std::clamp<int64_t>(vectorSize / plan.lanes, 1,
                                       limits.vectors.value_or(4));
    if (best) {
      plan.rowDim = best;
      plan.rows =
          std::clamp<int64_t>(sizeOr(sizes[*best]), 1,
                              limits.rows.value_or(plan.vectors >= 4 ? 1 : 4));
      if (!limits.vectors && plan.vectors >= 2 && plan.rows > 1)
        plan.vectors = 2;
    }
    return;
  }
  // Two vectors leave the most rows to share them; three where that leaves none
  // over (24 channels).
  int64_t most = vectorSize == 3 * plan.lanes ? 3 : 2;
  plan.vectors = std::clamp<int64_t>(vectorSize / plan.lanes, 1,
                                     limits.vectors.value_or(best ? most : 8));
  if (!best)
    return;
  int64_t sums = std::min(budget - plan.vectors, unit.mostSums() / outs);
  int64_t limit =
      limits.rows.value_or(std::max<int64_t>(1, sums / plan.vectors));
  int64_t size = sizeOr(sizes[*best]);
  int64_t tiles = llvm::divideCeil(size, limit);
  plan.rowDim = best;
  plan.points = limit;
  // Even rows: 14 becomes 5 + 5 + 4 rather than 6 + 6 + 2.
  plan.rows = ShapedType::isDynamic(sizes[*best])
                  ? limit
                  : int64_t(llvm::divideCeil(size, tiles));
}

/// Takes points from several lines of an image at once where one line divides
/// into register tiles badly.
static void planLines(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                      LoopPlan &plan) {
  if (plan.horizontal || !plan.rowDim || op.getNumReductionLoops() == 0 ||
      ShapedType::isDynamic(sizes[*plan.rowDim]))
    return;
  // A line reads the vectors that its rows share, and broadcasts of its own.
  auto isLine = [&](unsigned dim) {
    bool shares = false, broadcasts = false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (!readsOperand(op, input->getOperandNumber()))
        continue;
      bool varies = walkOf(op, *input, dim) != Walk::Invariant;
      if (varies != (walkOf(op, *input, *plan.rowDim) != Walk::Invariant))
        return false;
      bool isVector = walkOf(op, *input, *plan.vectorDim) != Walk::Invariant;
      shares |= isVector && !varies;
      broadcasts |= !isVector && varies;
      if (isVector && varies)
        return false;
    }
    return shares && broadcasts;
  };
  for (unsigned dim = *plan.rowDim; dim-- > 0;) {
    if (op.getIteratorTypesArray()[dim] != utils::IteratorType::parallel ||
        dim == *plan.vectorDim || ShapedType::isDynamic(sizes[dim]) ||
        sizes[dim] < 2 || !isLine(dim))
      continue;
    plan.lines = chooseTileLines(sizes[dim], sizes[*plan.rowDim], plan.points);
    if (plan.lines > 1)
      plan.lineDim = dim;
    return;
  }
}

LoopPlan planLoops(linalg::GenericOp op, const VectorUnit &unit,
                   const LoopLimits &limits) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  std::optional<Candidate> best;
  for (unsigned dim = 0; dim < sizes.size(); ++dim) {
    auto candidate = priceDim(op, dim, sizeOr(sizes[dim]), unit);
    if (!candidate)
      continue;
    // Prefer later loops when equal: they tend to be the contiguous ones.
    if (!best || candidate->cost < best->cost * 1.0001)
      best = candidate;
  }
  if (!best || best->cost > 4.0 + double(op.getNumOperands()))
    return planScalarLoops(op);
  LoopPlan plan;
  plan.vectorDim = best->dim;
  plan.horizontal = best->horizontal;
  plan.lanes = best->lanes;
  if (planTable(op, sizes, plan)) {
    orderLoops(op, sizes, plan);
    return plan;
  }
  planRows(op, sizes, unit, limits, plan);
  planLines(op, sizes, plan);
  orderLoops(op, sizes, plan);
  planPanels(op, sizes, unit, limits, plan);
  return plan;
}

LoopPlan planScalarLoops(linalg::GenericOp op) {
  LoopPlan plan;
  orderLoops(op, op.getStaticLoopRanges(), plan);
  return plan;
}

} // namespace fairway
