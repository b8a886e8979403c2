//===- PanelPlan.cpp - how a contraction reads its weights -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PanelPlan.h"
#include "Access.h"

using namespace mlir;

namespace fairway {

/// Lines that a register tile fetches ahead, at most, of a batch's panels.
static constexpr int64_t kMostLinesAhead = 32;

/// The one input that gives the vectors and is the same for all rows; null if
/// there is none.
static OpOperand *findSharedVectors(linalg::GenericOp op,
                                    const LoopPlan &plan) {
  OpOperand *shared = nullptr;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!readsOperand(op, input->getOperandNumber()) ||
        walkOf(op, *input, *plan.vectorDim) == Walk::Invariant)
      continue;
    if (shared || walkOf(op, *input, *plan.rowDim) != Walk::Invariant)
      return nullptr;
    shared = input;
  }
  return shared;
}

/// Whether `loop` moves another input than `weights` too (a batch).
static bool movesOthers(linalg::GenericOp op, OpOperand *weights,
                        unsigned loop) {
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    return input != weights && readsOperand(op, input->getOperandNumber()) &&
           op.getMatchingIndexingMap(input).isFunctionOfDim(loop);
  });
}

/// Cuts long reductions such that the vectors that all rows share (weights)
/// are read from the nearest cache by all rows but the first. The cut goes
/// around the panels: what the rows read in one piece stays in the core's own
/// cache for all panels of the tile.
static void planChunks(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                       OpOperand *weights, const VectorUnit &unit,
                       const LoopLimits &limits, LoopPlan &plan) {
  for (unsigned dim : plan.reductions)
    if (ShapedType::isDynamic(sizes[dim]))
      return;
  plan.piece = 0;
  if (limits.piece == 0)
    return;
  auto type = cast<MemRefType>(weights->get().getType());
  int64_t vectorBytes = plan.lanes * plan.vectors *
                        llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  int64_t limit = limits.piece.value_or(
      std::max<int64_t>(1, unit.panelBytes() / vectorBytes));
  // A little more than fits is not worth a cut, unless it is asked for.
  int64_t most = limits.piece ? limit : limit * 3 / 2;
  int64_t total = 1, visits = 1;
  for (unsigned dim : plan.reductions)
    total *= sizes[dim];
  // Batches, then panels, then rows.
  AffineMap map = op.getMatchingIndexingMap(weights);
  SmallVector<unsigned> batches, panels, rows;
  for (unsigned dim : plan.parallel) {
    bool follows = map.isFunctionOfDim(dim) || dim == *plan.vectorDim;
    if (!follows) {
      rows.push_back(dim);
      visits *= ShapedType::isDynamic(sizes[dim]) ? plan.rows * 2 : sizes[dim];
    } else {
      (movesOthers(op, weights, dim) ? batches : panels).push_back(dim);
    }
  }
  if (total <= most || (!limits.piece && visits < 2 * plan.rows))
    return;
  int64_t rest = total;
  while (plan.hoisted + 1 < plan.reductions.size() && rest > most)
    rest /= sizes[plan.reductions[plan.hoisted++]];
  if (rest > most) {
    int64_t pieces = llvm::divideCeil(rest, limit);
    plan.chunk = llvm::divideCeil(rest, pieces);
    for (int64_t more = pieces; more < 2 * pieces; ++more)
      if (rest % more == 0) {
        plan.chunk = rest / more;
        break;
      }
  }
  plan.piece = rest;
  if (plan.chunk)
    plan.piece = plan.chunk;
  plan.chunkLevel = batches.size();
  plan.parallel = batches;
  plan.parallel.append(panels);
  plan.parallel.append(rows);
}

/// Whether the kernel's caller gives `value`: what the kernel makes itself is
/// near.
static bool isFromOutside(Value value) {
  while (auto view = value.getDefiningOp<memref::SubViewOp>())
    value = view.getSource();
  return isa<BlockArgument>(value);
}

/// The loop over the panels of `weights`, if they lie in memory as
/// `[panel][reductions in loop order][lanes]`.
static std::optional<unsigned>
findPanels(linalg::GenericOp op, OpOperand *weights, const LoopPlan &plan) {
  auto type = cast<MemRefType>(weights->get().getType());
  AffineMap map = op.getMatchingIndexingMap(weights);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!map.isProjectedPermutation() ||
      failed(type.getStridesAndOffset(strides, offset)))
    return std::nullopt;
  SmallVector<unsigned> order;
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    order.push_back(map.getDimPosition(i));
  unsigned numInner = plan.reductions.size() + 1;
  if (order.size() <= numInner || order.back() != *plan.vectorDim ||
      ArrayRef(order).drop_back().take_back(plan.reductions.size()) !=
          ArrayRef(plan.reductions))
    return std::nullopt;
  int64_t elements = 1;
  for (unsigned i = order.size(); i-- > order.size() - numInner;) {
    int64_t size = type.getDimSize(i);
    if (strides[i] != elements || ShapedType::isDynamic(size))
      return std::nullopt;
    elements *= size;
  }
  return order[order.size() - numInner - 1];
}

/// Rows that pass by each panel.
static int64_t countRows(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                         OpOperand *weights, const LoopPlan &plan) {
  int64_t rows = 1;
  for (unsigned dim : plan.parallel)
    if (dim != *plan.vectorDim && !ShapedType::isDynamic(sizes[dim]) &&
        !op.getMatchingIndexingMap(weights).isFunctionOfDim(dim))
      rows *= sizes[dim];
  return rows;
}

/// Decides what to fetch ahead of panels that `panel` runs over.
static void planPrefetch(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                         OpOperand *weights, unsigned panel, LoopPlan &plan) {
  auto type = cast<MemRefType>(weights->get().getType());
  int64_t read = plan.chunk ? plan.chunk : sizes[plan.reductions.back()];
  for (unsigned dim : ArrayRef(plan.reductions).drop_front(plan.hoisted))
    if (dim != plan.reductions.back())
      read *= sizes[dim];
  int64_t bytes = read * type.getShape().back() *
                  llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  int64_t lines = llvm::divideCeil(bytes, kLineBytes);
  bool inBatch = movesOthers(op, weights, panel);
  // What the kernel makes itself is near; where few rows pass by, a core could
  // not keep track of all the lines that each of them asks for.
  if (inBatch && (!isFromOutside(weights->get()) ||
                  lines * plan.rows >
                      kMostLinesAhead * countRows(op, sizes, weights, plan)))
    return;
  plan.panelOperand = weights->getOperandNumber();
  plan.panelDim = panel;
  plan.panelLines = lines;
  plan.panelsInBatch = inBatch;
}

void planPanels(linalg::GenericOp op, ArrayRef<int64_t> sizes,
                const VectorUnit &unit, const LoopLimits &limits,
                LoopPlan &plan) {
  if (plan.horizontal || !plan.rowDim || plan.reductions.empty())
    return;
  OpOperand *weights = findSharedVectors(op, plan);
  if (!weights)
    return;
  std::optional<unsigned> panel = findPanels(op, weights, plan);
  planChunks(op, sizes, weights, unit, limits, plan);
  plan.panelsAhead = limits.prefetch.value_or(1);
  if (panel)
    planPrefetch(op, sizes, weights, *panel, plan);
}

} // namespace fairway
