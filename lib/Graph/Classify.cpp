//===- Classify.cpp - what a kernel does, in one word
//-------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Classify.h"
#include "GraphUtils.h"
#include "fairway/Support/TableSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace fairway;

static bool contains(Operation *op,
                     llvm::function_ref<bool(Operation *)> test) {
  return op
      ->walk([&](Operation *inner) {
        return test(inner) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// A loop that indexes both inputs and the output: depthwise or batched.
static bool hasSharedLoop(linalg::GenericOp op) {
  for (unsigned loop = 0, e = op.getNumLoops(); loop < e; ++loop)
    if (llvm::all_of(op.getIndexingMapsArray(),
                     [&](AffineMap map) { return map.isFunctionOfDim(loop); }))
      return true;
  return false;
}

StringRef fairway::classifyOp(Operation *op) {
  if (isa<linalg::FillOp>(op))
    return "fill";
  if (isa<tensor::InsertSliceOp>(op))
    return "insert";
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return "elementwise";
  if (isMultiplyAccumulate(generic)) {
    if (!hasWindow(generic))
      return hasSharedLoop(generic) ? "batch_matmul" : "matmul";
    return hasSharedLoop(generic) ? "depthwise_conv" : "conv";
  }
  if (hasWindow(generic) && generic.getNumReductionLoops())
    return "pool";
  if (generic.getNumReductionLoops())
    return "reduce";
  if (contains(op,
               [](Operation *inner) { return isa<tensor::ExtractOp>(inner); }))
    return "gather";
  if (&generic.getBody()->front() == generic.getBody()->getTerminator() &&
      generic.getNumDpsInputs() == 1) {
    AffineMap map =
        generic.getMatchingIndexingMap(generic.getDpsInputOperand(0));
    return map.isPermutation() && !map.isIdentity() ? "transpose" : "copy";
  }
  return "elementwise";
}

StringRef fairway::classifyGroup(ArrayRef<Operation *> ops) {
  static constexpr llvm::StringLiteral order[] = {
      "conv", "depthwise_conv", "matmul", "batch_matmul", "pool"};
  unsigned reductions = 0;
  bool exp = false, rsqrt = false;
  if (llvm::any_of(ops, [](Operation *op) { return matchTableSum(op); }))
    return "winograd";
  if (llvm::count_if(ops, [](Operation *op) {
        auto generic = dyn_cast<linalg::GenericOp>(op);
        return generic && isMultiplyAccumulate(generic);
      }) > 1)
    return "attention";
  for (Operation *op : ops) {
    StringRef kind = classifyOp(op);
    if (llvm::is_contained(order, kind))
      return kind;
    reductions += kind == "reduce";
    exp |=
        contains(op, [](Operation *inner) { return isa<math::ExpOp>(inner); });
    rsqrt |= contains(op, [](Operation *inner) {
      return isa<math::RsqrtOp, math::SqrtOp>(inner);
    });
  }
  if (reductions >= 1 && exp)
    return "softmax";
  if (reductions >= 1 && rsqrt)
    return "layer_norm";
  if (reductions)
    return "reduce";
  for (Operation *op : ops)
    if (classifyOp(op) == "gather")
      return "gather";
  // Where the result is inserted matters less than what it is.
  if (ops.size() > 1 && isa<tensor::InsertSliceOp>(ops.back()))
    ops = ops.drop_back();
  return classifyOp(ops.back());
}
