//===- KernelCalls.cpp - kernels and the calls of them --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"

using namespace mlir;

namespace fairway {

SmallVector<func::FuncOp> getKernels(ModuleOp module) {
  SmallVector<func::FuncOp> kernels;
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr("fairway.kernel") && !func.isExternal())
      kernels.push_back(func);
  return kernels;
}

SmallVector<func::CallOp> getCalls(func::FuncOp kernel) {
  SmallVector<func::CallOp> calls;
  for (auto entry : kernel->getParentOfType<ModuleOp>().getOps<func::FuncOp>())
    if (!entry->hasAttr("fairway.kernel"))
      entry.walk([&](func::CallOp call) {
        if (call.getCallee() == kernel.getName())
          calls.push_back(call);
      });
  return calls;
}

Value appendArgument(func::FuncOp kernel, Type type,
                     llvm::function_ref<Value(OpBuilder &)> makeOperand) {
  (void)kernel.insertArgument(kernel.getNumArguments(), type, {},
                              kernel.getLoc());
  for (func::CallOp call : getCalls(kernel)) {
    OpBuilder b(call);
    call->insertOperands(call->getNumOperands(), makeOperand(b));
  }
  return kernel.getArguments().back();
}

} // namespace fairway
