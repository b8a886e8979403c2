//===- PanelPlan.h - how a contraction reads its weights ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_PANELPLAN_H
#define FAIRWAY_LIB_KERNEL_PANELPLAN_H

#include "LoopPlan.h"

namespace fairway {

/// Decides what a contraction with a row loop does about the memory that its
/// vectors come from: cuts long reductions to what the nearest cache holds, and
/// fetches the next panels of weights ahead, both as far as `limits` does not
/// say how. `sizes` are the op's loops; `plan` holds the rest of the decisions.
void planPanels(mlir::linalg::GenericOp op, llvm::ArrayRef<int64_t> sizes,
                const VectorUnit &unit, const LoopLimits &limits,
                LoopPlan &plan);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_PANELPLAN_H
