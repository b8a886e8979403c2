//===- Passes.td - passes of the Kernel stage ---------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_PASSES
#define FAIRWAY_KERNEL_PASSES

include "mlir/Pass/PassBase.td"

#endif // FAIRWAY_KERNEL_PASSES
