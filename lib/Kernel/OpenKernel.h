//===- OpenKernel.h - a kernel whose sizes calls decide ----------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_OPENKERNEL_H
#define FAIRWAY_LIB_KERNEL_OPENKERNEL_H

#include "fairway/Support/OpenSizes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fairway {

/// On an allocation: the expression that bounds its bytes.
inline constexpr llvm::StringLiteral kBoundAttr = "fairway.bound";

/// Whether the kernel's first argument holds the values of all expressions.
bool isOpen(mlir::func::FuncOp kernel);

/// The value of expression `number`, of type index, loaded at `builder`'s place
/// from the argument of `kernel` that holds them.
mlir::Value loadExpression(mlir::OpBuilder &builder, mlir::func::FuncOp kernel,
                           unsigned number);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_OPENKERNEL_H
