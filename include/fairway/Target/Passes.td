//===- Passes.td - passes of the Target stage ---------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TARGET_PASSES
#define FAIRWAY_TARGET_PASSES

include "mlir/Pass/PassBase.td"

#endif // FAIRWAY_TARGET_PASSES
