//===- Passes.h - passes of the Target stage
//----------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TARGET_PASSES_H
#define FAIRWAY_TARGET_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace fairway {

#define GEN_PASS_DECL
#include "fairway/Target/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fairway/Target/Passes.h.inc"

/// What the lowering to LLVM needs to know about the processor.
struct LowerToLLVMOptions
    : public mlir::PassPipelineOptions<LowerToLLVMOptions> {
  Option<bool> fma{*this, "fma",
                   llvm::cl::desc("the target has fused multiply-add"),
                   llvm::cl::init(true)};
};

/// Lowers a module that has passed the Plan stage (kernels on memrefs and a
/// plan in attributes) to the LLVM dialect, ready for emission.
void buildLowerToLLVMPipeline(mlir::OpPassManager &pm,
                              const LowerToLLVMOptions &options);

/// Registers the stage's pipelines by name.
void registerFairwayTargetPipelines();

} // namespace fairway

#endif // FAIRWAY_TARGET_PASSES_H
