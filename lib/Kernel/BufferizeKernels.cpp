//===- BufferizeKernels.cpp - tensors become memory -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"
#include "SliceBuffers.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"

namespace fairway {
#define GEN_PASS_DEF_BUFFERIZEKERNELS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

Value stripCasts(Value value) {
  while (auto cast = value.getDefiningOp<memref::CastOp>())
    value = cast.getSource();
  return value;
}

struct BufferizeKernels
    : public fairway::impl::BufferizeKernelsBase<BufferizeKernels> {
  using BufferizeKernelsBase::BufferizeKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> kernels;
    for (auto func : module.getOps<func::FuncOp>())
      if (func->hasAttr("fairway.kernel") && !func.isExternal())
        kernels.push_back(func);

    // A kernel writes its destinations and nothing else of its caller's.
    for (func::FuncOp kernel : kernels)
      for (unsigned arg = 0; arg < firstOut(kernel); ++arg)
        if (isa<TensorType>(kernel.getArgument(arg).getType()))
          kernel.setArgAttr(arg, "bufferization.writable",
                            BoolAttr::get(&getContext(), false));

    for (func::FuncOp kernel : kernels)
      copyArguments(kernel);
    for (auto func : module.getOps<func::FuncOp>())
      if (!func->hasAttr("fairway.kernel")) {
        fairway::passSlicesByAddress(func);
        separateDestinations(func);
      }

    IRRewriter rewriter(&getContext());
    if (failed(bufferization::eliminateEmptyTensors(rewriter, module)))
      return signalPassFailure();
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(
        bufferization::LayoutMapOption::IdentityLayoutMap);
    bufferization::BufferizationState state;
    if (failed(
            bufferization::runOneShotModuleBufferize(module, options, state)))
      return signalPassFailure();
    for (func::FuncOp kernel : kernels)
      dropResults(kernel);
  }

  /// A kernel that returns what it was given (folding leaves no more of a copy)
  /// copies it to its destination. Else its caller believes that the result is
  /// the argument's memory, and that a kernel in place must not write to it.
  static void copyArguments(func::FuncOp kernel) {
    Operation *ret = kernel.getBody().front().getTerminator();
    OpBuilder b(ret);
    for (OpOperand &result : ret->getOpOperands()) {
      Value out =
          kernel.getArgument(firstOut(kernel) + result.getOperandNumber());
      Value source = result.get();
      while (Operation *view = source.getDefiningOp()) {
        if (!isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp,
                 tensor::ExpandShapeOp, tensor::CastOp>(view))
          break;
        source = view->getOperand(0);
      }
      if (isa<BlockArgument>(source) && source != out)
        result.set(linalg::CopyOp::create(b, ret->getLoc(), result.get(), out)
                       .getResult(0));
    }
  }

  /// Each call of a kernel gets memory of its own: equal `tensor.empty` are one
  /// value, and two calls that write to one value would share a buffer.
  static void separateDestinations(func::FuncOp entry) {
    entry.walk([](func::CallOp call) {
      OpBuilder b(call);
      for (OpOperand &operand : call->getOpOperands())
        if (operand.get().getDefiningOp<tensor::EmptyOp>())
          operand.set(bufferization::AllocTensorOp::create(
              b, call.getLoc(), cast<RankedTensorType>(operand.get().getType()),
              ValueRange()));
    });
  }

  static unsigned firstOut(func::FuncOp kernel) {
    auto outs = kernel->getAttrOfType<IntegerAttr>("fairway.num_outs");
    return kernel.getNumArguments() -
           (outs ? outs.getInt() : kernel.getNumResults());
  }

  /// Result i is what destination i holds at the end.
  void dropResults(func::FuncOp kernel) {
    unsigned first = firstOut(kernel), count = kernel.getNumResults();
    Operation *ret = kernel.getBody().front().getTerminator();
    OpBuilder b(ret);
    for (unsigned i = 0; i < count; ++i) {
      Value result = stripCasts(ret->getOperand(i));
      Value out = kernel.getArgument(first + i);
      if (result == out)
        continue;
      memref::CopyOp::create(b, ret->getLoc(), result, out);
      ++copies;
    }
    ret->eraseOperands(0, count);
    kernel.setType(FunctionType::get(&getContext(),
                                     kernel.getFunctionType().getInputs(), {}));
    if (kernel.getAllResultAttrs())
      kernel.removeResAttrsAttr();
    for (func::CallOp call : fairway::getCalls(kernel)) {
      OpBuilder at(call);
      auto fresh =
          func::CallOp::create(at, call.getLoc(), kernel, call.getOperands());
      fresh->setDiscardableAttrs(call->getDiscardableAttrDictionary());
      for (unsigned i = 0; i < count; ++i) {
        Value out = call.getOperand(first + i);
        if (out.getType() != call.getResult(i).getType())
          out = memref::CastOp::create(at, call.getLoc(),
                                       call.getResult(i).getType(), out);
        call.getResult(i).replaceAllUsesWith(out);
      }
      call.erase();
    }
  }
};

} // namespace
