//===- Passes.td - passes of the Graph stage ---------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_GRAPH_PASSES
#define FAIRWAY_GRAPH_PASSES

include "mlir/Pass/PassBase.td"

#endif // FAIRWAY_GRAPH_PASSES
