//===- Pipeline.cpp - the Plan stage as one pipeline
//-----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Plan/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void fairway::buildPlanPipeline(OpPassManager &pm) {
  // @main and @prepare are gone; the plan is in the module's attributes.
  pm.addPass(createBuildPlan());
}

void fairway::buildSamplesPlanPipeline(OpPassManager &pm) {
  buildPlanPipeline(pm.nest<ModuleOp>());
  pm.addPass(createMergePlans());
}

void fairway::registerFairwayPlanPipelines() {
  PassPipelineRegistration<>("fairway-samples-plan-pipeline",
                             "From samples to one plan for all sizes",
                             buildSamplesPlanPipeline);
  PassPipelineRegistration<>("fairway-plan-pipeline",
                             "From bufferized entries to plans",
                             buildPlanPipeline);
}
