//===- Classify.h - what a kernel does, in one word
//---------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_GRAPH_CLASSIFY_H
#define FAIRWAY_LIB_GRAPH_CLASSIFY_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace fairway {

/// The usual name of an op: "matmul", "conv", "depthwise_conv", "pool",
/// "reduce", "gather", "transpose", "copy", "fill", "insert", "elementwise".
llvm::StringRef classifyOp(mlir::Operation *op);

/// The usual name of what the ops do together: the name of their heaviest op,
/// "softmax" or "layer_norm".
llvm::StringRef classifyGroup(llvm::ArrayRef<mlir::Operation *> ops);

} // namespace fairway

#endif // FAIRWAY_LIB_GRAPH_CLASSIFY_H
