//===- LegalizeBools.cpp - stores booleans as bytes
//---------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_LEGALIZEBOOLS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

/// The stored type of `type`: tensors of i1 become tensors of i8.
static Type getStoredType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isInteger(1))
    return type;
  return tensor.clone(IntegerType::get(type.getContext(), 8));
}

/// Replaces the operand, a scalar i1, with its byte.
static void widenScalar(OpOperand &operand) {
  if (!operand.get().getType().isInteger(1))
    return;
  Operation *user = operand.getOwner();
  OpBuilder builder(user);
  operand.set(arith::ExtUIOp::create(builder, user->getLoc(),
                                     builder.getI8Type(), operand.get()));
}

/// Body arguments arrive as bytes and are narrowed; yields are widened.
static void legalizeBody(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  OpBuilder builder = OpBuilder::atBlockBegin(body);
  for (BlockArgument arg : body->getArguments()) {
    if (!arg.getType().isInteger(1))
      continue;
    arg.setType(builder.getI8Type());
    auto narrow =
        arith::TruncIOp::create(builder, op.getLoc(), builder.getI1Type(), arg);
    arg.replaceAllUsesExcept(narrow.getResult(), narrow);
  }
  for (OpOperand &operand : body->getTerminator()->getOpOperands())
    widenScalar(operand);
}

namespace {
struct LegalizeBools : public fairway::impl::LegalizeBoolsBase<LegalizeBools> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
        for (OpOperand &operand : op->getOpOperands())
          widenScalar(operand);
        legalizeBody(linalgOp);
      } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
        if (auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue());
            dense && dense.getElementType().isInteger(1))
          constant.setValueAttr(dense.mapValues(
              IntegerType::get(&getContext(), 8),
              [](const APInt &value) { return value.zext(8); }));
      } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
        if (extract.getType().isInteger(1)) {
          OpBuilder builder(op->getContext());
          builder.setInsertionPointAfter(op);
          extract.getResult().setType(builder.getI8Type());
          auto narrow = arith::TruncIOp::create(
              builder, op->getLoc(), builder.getI1Type(), extract.getResult());
          extract.getResult().replaceAllUsesExcept(narrow.getResult(), narrow);
        }
      } else if (isa<tensor::FromElementsOp, tensor::SplatOp, tensor::InsertOp>(
                     op)) {
        for (OpOperand &operand : op->getOpOperands())
          widenScalar(operand);
      }
      for (Value result : op->getResults())
        result.setType(getStoredType(result.getType()));
    });
    getOperation()->walk([&](func::FuncOp func) {
      for (Block &block : func.getBody())
        for (BlockArgument arg : block.getArguments())
          arg.setType(getStoredType(arg.getType()));
      // What the caller sees is still a boolean.
      auto boolean = StringAttr::get(&getContext(), "bool");
      for (auto [i, type] : llvm::enumerate(func.getArgumentTypes()))
        if (getStoredType(type) != type)
          func.setArgAttr(i, fairway::kDtypeAttr, boolean);
      for (auto [i, type] : llvm::enumerate(func.getResultTypes()))
        if (getStoredType(type) != type)
          func.setResultAttr(i, fairway::kDtypeAttr, boolean);
      SmallVector<Type> inputs, results;
      for (Type type : func.getArgumentTypes())
        inputs.push_back(getStoredType(type));
      for (Type type : func.getResultTypes())
        results.push_back(getStoredType(type));
      func.setType(FunctionType::get(func.getContext(), inputs, results));
    });
  }
};
} // namespace
