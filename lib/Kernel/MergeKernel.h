//===- MergeKernel.h - one kernel for all sizes -------------------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_MERGEKERNEL_H
#define FAIRWAY_LIB_KERNEL_MERGEKERNEL_H

#include "fairway/Support/OpenSizes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fairway {

/// Makes `merged`, a copy of the first of `samples`, right for all sizes: what
/// is not the same in them becomes arithmetic on expressions, which a new first
/// argument holds. Buffers of open sizes become arguments without a size,
/// `memref<0xT>`, with views of the right one. A kernel that is the same in all
/// samples stays as it is.
///
/// Returns the number of the expression that bounds the kernel's scratch bytes.
mlir::FailureOr<int64_t> mergeKernel(mlir::func::FuncOp merged,
                                     llvm::ArrayRef<mlir::func::FuncOp> samples,
                                     OpenSizes &sizes, ExpressionTable &table);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_MERGEKERNEL_H
