//===- TileCost.cpp - what one op of a kernel costs in a tile -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TileCost.h"
#include "LoopPlan.h"
#include "fairway/Support/Sizes.h"
#include "fairway/Support/TableSum.h"

using namespace mlir;

namespace fairway {

static int64_t getReductionLength(linalg::LinalgOp op, AffineMap map) {
  int64_t length = 1;
  SmallVector<int64_t> sizes = Hints(op).of(op);
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::reduction && map.isFunctionOfDim(loop))
      length *= sizes[loop];
  return length;
}

static bool isContraction(linalg::LinalgOp op) {
  return op.getNumDpsInputs() == 2 &&
         llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
           return getReductionLength(op, op.getMatchingIndexingMap(input)) > 1;
         });
}

/// By how much a step of each loop moves `expr`; nothing if that differs from
/// place to place.
static std::optional<SmallVector<std::pair<unsigned, int64_t>, 2>>
getSteps(AffineExpr expr, unsigned numDims) {
  SmallVector<std::pair<unsigned, int64_t>, 2> steps;
  AffineExpr zero = getAffineConstantExpr(0, expr.getContext());
  if (!expr.isPureAffine())
    return std::nullopt;
  SmallVector<AffineExpr> at(numDims, zero);
  auto start = dyn_cast<AffineConstantExpr>(expr.replaceDims(at));
  bool divides = false;
  expr.walk([&](AffineExpr part) {
    divides |= part.getKind() != AffineExprKind::Add &&
               part.getKind() != AffineExprKind::Mul &&
               isa<AffineBinaryOpExpr>(part);
  });
  if (!start || divides)
    return std::nullopt;
  for (unsigned loop = 0; loop < numDims; ++loop) {
    if (!expr.isFunctionOfDim(loop))
      continue;
    at[loop] = getAffineConstantExpr(1, expr.getContext());
    auto next = dyn_cast<AffineConstantExpr>(expr.replaceDims(at));
    at[loop] = zero;
    if (!next)
      return std::nullopt;
    steps.emplace_back(loop, std::abs(next.getValue() - start.getValue()));
  }
  return steps;
}

/// Whether another op of the kernel writes `operand`.
static bool isMadeInside(OpOperand &operand) {
  return operand.get().getDefiningOp<linalg::LinalgOp>() != nullptr;
}

/// Whether an element-wise `op` computes `init` point by point from a value of
/// the kernel: they will be the same memory, or registers.
static bool replacesOperand(linalg::LinalgOp op, OpOperand &init) {
  return op.getNumReductionLoops() == 0 &&
         init.get().getDefiningOp<tensor::EmptyOp>() &&
         llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
           return isMadeInside(*input) && op.getMatchingIndexingMap(input) ==
                                              op.getMatchingIndexingMap(&init);
         });
}

TileCost::TileCost(const Member &from, const MachineDescription &machine)
    : member(from), sizes(Hints(member.op).of(member.op)) {
  linalg::LinalgOp op = member.op;
  double length = double(op.getBlock()->getOperations().size()) - 1;
  operations = length * (op.getNumReductionLoops() > 0 ? 1.0 : 2.0);
  std::optional<TableSum> table = matchTableSum(op);
  if (table)
    operations *= table->density();
  VectorUnit unit{unsigned(machine.vectorBits),
                  unsigned(machine.vectorRegisters)};
  double piece = double(unit.panelBytes()) / double(machine.vectorBits / 8 * 2);
  bool cut = !table && isContraction(op);
  Hints hints(op);
  for (OpOperand &operand : op->getOpOperands()) {
    TileAccess added;
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (type && type.getElementType().isIntOrFloat()) {
      added.elementBytes =
          double(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
      added.internal = isa_and_nonnull<linalg::LinalgOp, tensor::EmptyOp>(
          operand.get().getDefiningOp());
      AffineMap map = op.getMatchingIndexingMap(&operand);
      added.shared = isMadeInside(operand) ||
                     (op.isDpsInit(&operand) && replacesOperand(op, operand));
      for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
        auto steps = getSteps(expr, map.getNumDims());
        int64_t size = hints.of(type.getDimSize(dim));
        // What cannot be told is touched as a whole.
        if (steps)
          added.dims.push_back({size, *steps});
        else
          added.elementBytes *= double(size);
      }
      if (cut)
        added.kept = std::min(1.0, piece / double(getReductionLength(op, map)));
    }
    access.push_back(std::move(added));
  }
}

SmallVector<int64_t, 8> TileCost::loopsIn(ArrayRef<int64_t> tile) const {
  SmallVector<int64_t, 8> loops;
  for (auto [loop, size] : llvm::enumerate(sizes))
    loops.push_back(member.lengthIn(tile, loop, size));
  return loops;
}

double TileCost::bytes(unsigned index, ArrayRef<int64_t> loops) const {
  const TileAccess &operand = access[index];
  double bytes = operand.elementBytes;
  for (const TileAccess::Dim &dim : operand.dims) {
    // A window's extent: as far as its loops move it, and one.
    int64_t extent = 1;
    for (auto [loop, step] : dim.steps)
      extent += (loops[loop] - 1) * step;
    bytes *= double(std::min(extent, dim.size));
  }
  return bytes;
}

} // namespace fairway
