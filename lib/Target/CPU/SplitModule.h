//===- SplitModule.h - one module for each kernel ---------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_TARGET_CPU_SPLITMODULE_H
#define FAIRWAY_LIB_TARGET_CPU_SPLITMODULE_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"

namespace fairway {

/// A kernel with all that it uses, by name, of the module that it is in.
struct KernelPart {
  mlir::LLVM::LLVMFuncOp kernel;
  llvm::SmallVector<mlir::Operation *> symbols; ///< in the module's order
  size_t operations = 0;                        ///< how much work it will be
};

/// The parts of a module in the LLVM dialect whose kernels are wrapped: one for
/// each function that is not internal, in the module's order. How a module is
/// cut depends on nothing but the module.
llvm::SmallVector<KernelPart> findKernelParts(mlir::ModuleOp module);

/// Copies a part to a module of its own. May be called from several threads.
mlir::OwningOpRef<mlir::ModuleOp> copyPart(const KernelPart &part);

} // namespace fairway

#endif // FAIRWAY_LIB_TARGET_CPU_SPLITMODULE_H
