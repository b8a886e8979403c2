//===- KernelCost.h - what a kernel computes and moves --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_KERNELCOST_H
#define FAIRWAY_LIB_GRAPH_KERNELCOST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fairway {

/// Arithmetic operations on data in one execution of `op`: a multiplication
/// and an addition are two; conversions, selections and the computation of
/// indices are none.
int64_t countFlops(mlir::Operation *op);

/// Bytes that cross the boundary of a kernel on tensors when each is moved
/// once: of every argument the elements that the kernel's ops touch. What stays
/// inside of the kernel is not counted.
int64_t countBytes(mlir::func::FuncOp kernel);

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_KERNELCOST_H
