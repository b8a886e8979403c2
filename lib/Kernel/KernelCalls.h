//===- KernelCalls.h - kernels and the calls of them ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_KERNELCALLS_H
#define FAIRWAY_LIB_KERNEL_KERNELCALLS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fairway {

/// The functions of `module` that are kernels.
llvm::SmallVector<mlir::func::FuncOp> getKernels(mlir::ModuleOp module);

/// The calls of `kernel`: they are in the entries, kernels call nothing.
llvm::SmallVector<mlir::func::CallOp> getCalls(mlir::func::FuncOp kernel);

/// Appends an argument of type `type` to `kernel`, and to each call of it the
/// value that `makeOperand` creates before the call.
mlir::Value
appendArgument(mlir::func::FuncOp kernel, mlir::Type type,
               llvm::function_ref<mlir::Value(mlir::OpBuilder &)> makeOperand);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_KERNELCALLS_H
