//===- Passes.h - passes of the Plan stage
//----------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_PLAN_PASSES_H
#define FAIRWAY_PLAN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace fairway {

#define GEN_PASS_DECL
#include "fairway/Plan/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fairway/Plan/Passes.h.inc"

/// From bufferized @main and @prepare to plans in module attributes.
void buildPlanPipeline(mlir::OpPassManager &pm);

/// The same for merged kernels beside the samples that they are of.
void buildSamplesPlanPipeline(mlir::OpPassManager &pm);

/// Registers the stage's pipelines by name.
void registerFairwayPlanPipelines();

} // namespace fairway

#endif // FAIRWAY_PLAN_PASSES_H
