//===- TablePlan.h - sums with fixed factors in registers -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_TABLEPLAN_H
#define FAIRWAY_LIB_KERNEL_TABLEPLAN_H

#include "LoopPlan.h"

namespace fairway {

/// Unrolls all loops that a table sum's table follows: the parallel ones as
/// rows and lines of `plan`, whose vector loop is chosen. False if `op` is no
/// table sum or has too many of them.
bool planTable(mlir::linalg::GenericOp op, llvm::ArrayRef<int64_t> sizes,
               LoopPlan &plan);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_TABLEPLAN_H
