//===- FuseNests.h - which generics share one loop nest -------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_FUSENESTS_H
#define FAIRWAY_LIB_KERNEL_FUSENESTS_H

#include "NestEmitter.h"

namespace fairway {

/// Collects around the reduction `main` its neighbours in the block that can be
/// computed on its accumulators: the generic before it that fills its output,
/// and the element-wise ones behind it that read its result. `plan` is main's.
/// The nest must be emitted at the group's last op.
Fusion fuseNeighbours(mlir::linalg::GenericOp main, const LoopPlan &plan);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_FUSENESTS_H
