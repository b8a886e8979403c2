//===- GraphUtils.cpp - questions that several graph passes ask
//---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace fairway;

bool fairway::isElementwise(linalg::GenericOp op) {
  return op.getNumLoops() == op.getNumParallelLoops() &&
         op.getNumDpsInits() == 1 && op.getNumResults() == 1 &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity();
}

bool fairway::isCopy(linalg::GenericOp op) {
  return &op.getBody()->front() == op.getBody()->getTerminator();
}

/// Looks through a widening conversion.
static Value skipWidening(Value value) {
  Operation *def = value.getDefiningOp();
  if (isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(def))
    return def->getOperand(0);
  return value;
}

bool fairway::isMultiplyAccumulate(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1 || op.getNumDpsInputs() != 2 ||
      op.getNumReductionLoops() == 0)
    return false;
  Block *body = op.getBody();
  Operation *add = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(add))
    return false;
  Value acc = body->getArgument(2);
  Value product = add->getOperand(0) == acc   ? add->getOperand(1)
                  : add->getOperand(1) == acc ? add->getOperand(0)
                                              : Value();
  Operation *mul = product ? product.getDefiningOp() : nullptr;
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(mul))
    return false;
  Value lhs = skipWidening(mul->getOperand(0));
  Value rhs = skipWidening(mul->getOperand(1));
  Value a = body->getArgument(0), b = body->getArgument(1);
  return (lhs == a && rhs == b) || (lhs == b && rhs == a);
}

bool fairway::hasWindow(linalg::GenericOp op) {
  for (OpOperand *input : op.getDpsInputOperands())
    for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults()) {
      unsigned dims = 0;
      for (unsigned i = 0, e = op.getNumLoops(); i < e; ++i)
        dims += expr.isFunctionOfDim(i);
      if (dims > 1)
        return true;
    }
  return false;
}

bool fairway::isReshape(Operation *op) {
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

bool ParameterOnly::contains(Value value) {
  auto it = known.find(value);
  if (it != known.end())
    return it->second;
  bool result = false;
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    auto func = dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp());
    if (func) {
      StringRef kind = getArgKind(func, arg.getArgNumber());
      result = kind == "parameter" || kind == "buffer";
    }
  } else {
    Operation *op = value.getDefiningOp();
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    result =
        isMemoryEffectFree(op) &&
        llvm::all_of(op->getOperands(), [&](Value v) { return contains(v); }) &&
        llvm::all_of(captured, [&](Value v) { return contains(v); });
  }
  known[value] = result;
  return result;
}

SmallVector<Value> fairway::getAllOperands(Operation *op) {
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values.takeVector();
}

int64_t fairway::choosePanel(int64_t size, int64_t lanes) {
  for (int64_t panel : {2 * lanes, 3 * lanes, lanes})
    if (size % panel == 0)
      return panel;
  return 0;
}

int64_t fairway::getNumIterations(linalg::LinalgOp op) {
  int64_t count = 1;
  for (int64_t range : op.getStaticLoopRanges())
    count *= range;
  return count;
}

int64_t fairway::getSizeInBytes(RankedTensorType type) {
  unsigned bits =
      type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  return type.getNumElements() * ((bits + 7) / 8);
}

StringRef fairway::getArgKind(func::FuncOp func, unsigned index) {
  if (auto kind = func.getArgAttrOfType<StringAttr>(index, kKindAttr))
    return kind.getValue();
  return "input";
}

Value fairway::createTranspose(OpBuilder &builder, Location loc, Value value,
                               ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape;
  SmallVector<unsigned> inverse(permutation.size());
  for (auto [i, p] : llvm::enumerate(permutation)) {
    shape.push_back(type.getDimSize(p));
    inverse[p] = i;
  }
  MLIRContext *ctx = builder.getContext();
  // Loops run in the result's order, so writes are contiguous.
  AffineMap write = AffineMap::getMultiDimIdentityMap(type.getRank(), ctx);
  // Of no dimensions `getPermutationMap` makes a map of any number of them.
  AffineMap read =
      inverse.empty() ? write : AffineMap::getPermutationMap(inverse, ctx);
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  return linalg::GenericOp::create(
             builder, loc, TypeRange{empty.getType()}, ValueRange{value},
             ValueRange{empty}, ArrayRef<AffineMap>{read, write}, loops,
             [](OpBuilder &b, Location l, ValueRange args) {
               linalg::YieldOp::create(b, l, args[0]);
             })
      .getResult(0);
}
