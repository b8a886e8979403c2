//===- VerifyContract.cpp - rejects what the waist does not allow
//-------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

namespace fairway {
#define GEN_PASS_DEF_VERIFYCONTRACT
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {
struct VerifyContract
    : public fairway::impl::VerifyContractBase<VerifyContract> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main) {
      module.emitError("the module has no function @main: it is where a model "
                       "starts");
      return signalPassFailure();
    }
    if (failed(verifySignature(main)))
      return signalPassFailure();
    WalkResult result = module.walk([&](Operation *op) {
      return failed(verifyOp(op)) ? WalkResult::interrupt()
                                  : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  /// Arguments and results are ranked tensors of types that can be stored.
  static LogicalResult verifySignature(func::FuncOp main) {
    if (!main.getBody().hasOneBlock())
      return main.emitError("dynamic control flow: @main has several blocks; "
                            "make the branch static or move it out of the "
                            "model");
    auto verify = [&](Type type, const Twine &what) -> LogicalResult {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor)
        return main.emitError() << what << " has type " << type
                                << ", which is not a ranked tensor";
      if (!tensor.getElementType().isIntOrFloat())
        return main.emitError()
               << what << " has elements of type " << tensor.getElementType()
               << ", which is not supported";
      if (!tensor.hasStaticShape())
        return main.emitError()
               << what << " has the dynamic shape " << type
               << "; give example inputs or dimension sizes to make it static";
      return success();
    };
    for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
      auto name = main.getArgAttrOfType<StringAttr>(i, fairway::kNameAttr);
      std::string what = name ? ("argument '" + name.getValue() + "'").str()
                              : ("argument number " + Twine(i)).str();
      if (failed(verify(type, what)))
        return failure();
    }
    for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
      if (failed(verify(type, "result number " + Twine(i))))
        return failure();
    return success();
  }

  /// What becomes dynamic and static again keeps its sizes.
  static LogicalResult verifyCast(tensor::CastOp cast) {
    auto result = dyn_cast<RankedTensorType>(cast.getType());
    Value source = cast.getSource();
    while (auto inner = source.getDefiningOp<tensor::CastOp>())
      source = inner.getSource();
    auto given = dyn_cast<RankedTensorType>(source.getType());
    if (result && given &&
        failed(verifyCompatibleShape(given.getShape(), result.getShape())))
      return cast.emitError("unsupported operation: its importer takes ")
             << given << " for " << result;
    return success();
  }

  static LogicalResult verifyOp(Operation *op) {
    if (auto function = dyn_cast<func::FuncOp>(op);
        function && function.isExternal())
      return op->emitError("the function @")
             << function.getName() << " has no body: a model must hold all of "
             << "its code";
    if (isa<scf::WhileOp, scf::IfOp, scf::ForOp>(op) &&
        !op->getParentOfType<linalg::LinalgOp>())
      return op->emitError("dynamic control flow (")
             << op->getName() << ") is not supported";
    // What an importer computes for some values only, and checks at run time.
    // (Reciprocals of zero are no such: they are infinite, as they should be.)
    if (auto check = dyn_cast<cf::AssertOp>(op);
        check && check.getMsg().starts_with("unimplemented") &&
        !check.getMsg().contains("tensor with zero element"))
      return op->emitError("unsupported operation: for some inputs it is ")
             << check.getMsg();
    if (auto cast = dyn_cast<tensor::CastOp>(op);
        cast && failed(verifyCast(cast)))
      return failure();
    // A random seed or a counter that one run leaves for the next.
    if (isa_and_nonnull<ml_program::MLProgramDialect>(op->getDialect()))
      return op->emitError("unsupported operation '")
             << op->getName() << "': a model that keeps state between calls, "
             << "such as a random generator's seed, is not supported";
    // A null dialect means an op of an unregistered dialect.
    Dialect *dialect = op->getDialect();
    if (isa_and_nonnull<BuiltinDialect, func::FuncDialect, arith::ArithDialect,
                        math::MathDialect, tensor::TensorDialect,
                        linalg::LinalgDialect, scf::SCFDialect,
                        cf::ControlFlowDialect>(dialect))
      return success();
    return op->emitError("unsupported operation '") << op->getName() << "'";
  }
};
} // namespace
