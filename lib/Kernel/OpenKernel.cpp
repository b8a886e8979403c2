//===- OpenKernel.cpp - a kernel whose sizes calls decide -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "OpenKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

bool fairway::isOpen(func::FuncOp kernel) {
  return kernel.getNumArguments() > 0 && kernel.getArgAttr(0, kSizesArgument);
}

Value fairway::loadExpression(OpBuilder &builder, func::FuncOp kernel,
                              unsigned number) {
  Location loc = kernel.getLoc();
  Value place = arith::ConstantIndexOp::create(builder, loc, number);
  Value loaded =
      memref::LoadOp::create(builder, loc, kernel.getArgument(0), place);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    loaded);
}
