//===- LoopSizes.h - how far a structured op's loops run --------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_SUPPORT_LOOPSIZES_H
#define FAIRWAY_SUPPORT_LOOPSIZES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fairway {

/// The lengths of an op's loops, which MLIR's own `getStaticLoopRanges` reads
/// from the shapes of its operands; without loops it crashes where no operand
/// has a shape either, such as for a constant scalar.
inline llvm::SmallVector<int64_t> getLoopSizes(mlir::linalg::LinalgOp op) {
  if (op.getNumLoops() == 0)
    return {};
  return op.getStaticLoopRanges();
}

} // namespace fairway

#endif // FAIRWAY_SUPPORT_LOOPSIZES_H
