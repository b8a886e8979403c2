//===- Pipeline.cpp - kernels to the LLVM dialect, as one pipeline
//---------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void fairway::buildLowerToLLVMPipeline(OpPassManager &pm,
                                       const LowerToLLVMOptions &options) {
  // Arguments say what LLVM may assume of them.
  pm.addPass(createFairwayAnnotateKernels());

  OpPassManager &kernel = pm.nest<func::FuncOp>();
  // Views are offsets into the buffer that they view.
  kernel.addPass(memref::createFoldMemRefAliasOpsPass());
  // Vectors are one-dimensional; transfers are loads and stores.
  kernel.addPass(createFairwayLowerVectors());
  kernel.addPass(createCanonicalizerPass());
  // Math is what LLVM has an instruction or the C library for.
  kernel.addPass(createFairwayLowerMath(FairwayLowerMathOptions{options.fma}));
  // What views are left are strides and offsets; affine maps are arithmetic.
  kernel.addPass(memref::createExpandStridedMetadataPass());
  kernel.addPass(createLowerAffinePass());
  // Offsets of reshaped slices divide with rounding down.
  kernel.addPass(arith::createArithExpandOpsPass());
  kernel.addPass(createCanonicalizerPass());
  kernel.addPass(createCSEPass());
  kernel.addPass(createLoopInvariantCodeMotionPass());
  // Branches instead of loops.
  kernel.addPass(createSCFToControlFlowPass());

  // LLVM dialect, bare pointers.
  pm.addPass(createFairwayConvertToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
  // Each kernel can be called from a plan.
  pm.addPass(createFairwayWrapKernels());
}

void fairway::registerFairwayTargetPipelines() {
  PassPipelineRegistration<LowerToLLVMOptions>(
      "fairway-lower-to-llvm",
      "The Target stage: planned kernels on memrefs to the LLVM dialect",
      buildLowerToLLVMPipeline);
}
