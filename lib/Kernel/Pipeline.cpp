//===- Pipeline.cpp - the Kernel stage as one pipeline --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void fairway::buildKernelPipeline(OpPassManager &pm,
                                  const KernelOptions &options) {
  // One scf.forall per kernel, everything fused into its tiles.
  TileKernelsOptions tile;
  tile.cacheBytes = options.cacheBytes;
  pm.addNestedPass<func::FuncOp>(createTileKernels(tile));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  // Memory instead of tensors; kernels without results.
  pm.addPass(createBufferizeKernels());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(memref::createFoldMemRefAliasOpsPass());

  // No allocation, and a serial loop over a worker's own tiles.
  pm.addPass(createAssignScratch());
  pm.addPass(createPartitionKernels());

  // Loops of vector code instead of linalg.
  LowerGenericsOptions lower;
  lower.vectorBits = options.vectorBits;
  lower.registers = options.registers;
  pm.addNestedPass<func::FuncOp>(createLowerGenerics(lower));
  pm.addNestedPass<func::FuncOp>(createExpandMath());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<unsigned> vectorBits{*this, "vector-bits",
                              llvm::cl::desc("Bits of a vector register"),
                              llvm::cl::init(256)};
  Option<unsigned> registers{*this, "registers",
                             llvm::cl::desc("Number of vector registers"),
                             llvm::cl::init(16)};
  Option<int64_t> cacheBytes{
      *this, "cache-bytes",
      llvm::cl::desc("Bytes of a core's own cache that a tile may use"),
      llvm::cl::init(512 * 1024)};
};
} // namespace

void fairway::registerFairwayKernelPipelines() {
  PassPipelineRegistration<PipelineOptions>(
      "fairway-kernel-pipeline", "From kernels on tensors to vector code",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildKernelPipeline(
            pm, {options.vectorBits, options.registers, options.cacheBytes});
      });
}
