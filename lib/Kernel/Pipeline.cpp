//===- Pipeline.cpp - the Kernel stage as one pipeline --------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

using namespace fairway;

/// Tiles on memory instead of tensors.
static void addFront(OpPassManager &pm, const KernelOptions &options) {
  // Results are computed in place, also inside a halo or a concatenation.
  pm.addNestedPass<func::FuncOp>(createFillBorders());

  // One scf.forall per kernel, everything fused into its tiles.
  TileKernelsOptions tile;
  tile.machine = options.machine;
  tile.threads = options.threads;
  pm.addNestedPass<func::FuncOp>(createTileKernels(tile));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  // What two contractions hand to each other stays in the nearest cache.
  pm.addNestedPass<func::FuncOp>(createBlockRows({options.machine}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  pm.addNestedPass<func::FuncOp>(createPadScratch());

  // Neighbours share loop nests.
  pm.addNestedPass<func::FuncOp>(createOrderProducers());

  // Memory instead of tensors; kernels without results.
  pm.addPass(createBufferizeKernels());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(memref::createFoldMemRefAliasOpsPass());
  // Copies of a view to itself.
  pm.addPass(createCanonicalizerPass());
}

/// No allocation, and a serial loop over a worker's own tiles.
static void addPartition(OpPassManager &pm) {
  pm.addPass(createAssignScratch());
  pm.addPass(createPartitionKernels());
}

static void addBack(OpPassManager &pm, const KernelOptions &options) {
  // Loops of vector code instead of linalg.
  LowerGenericsOptions lower;
  lower.vectorBits = unsigned(options.machine.vectorBits);
  lower.registers = unsigned(options.machine.vectorRegisters);
  pm.addNestedPass<func::FuncOp>(createLowerGenerics(lower));
  pm.addNestedPass<func::FuncOp>(createExpandMath());
  pm.addNestedPass<func::FuncOp>(createGuardDivisions());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void fairway::buildKernelPipeline(OpPassManager &pm,
                                  const KernelOptions &options) {
  addFront(pm, options);
  addPartition(pm);
  addBack(pm, options);
}

void fairway::buildSamplesKernelPipeline(OpPassManager &pm,
                                         const KernelOptions &options) {
  addFront(pm.nest<ModuleOp>(), options);
  // The kernels are merged; what the samples still tell is their plans.
  pm.addPass(createMergeSamples());
  addPartition(pm.nest<ModuleOp>());
}

void fairway::buildMergedKernelPipeline(OpPassManager &pm,
                                        const KernelOptions &options) {
  addPartition(pm);
  addBack(pm, options);
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<fairway::MachineDescription> machine{
      *this, "machine", llvm::cl::desc("What the cost models know")};
  Option<unsigned> threads{*this, "threads",
                           llvm::cl::desc("Usual number of workers"),
                           llvm::cl::init(8)};
};
} // namespace

void fairway::registerFairwayKernelPipelines() {
  PassPipelineRegistration<PipelineOptions>(
      "fairway-kernel-pipeline", "From kernels on tensors to vector code",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildKernelPipeline(pm, {options.machine, options.threads});
      });
  PassPipelineRegistration<PipelineOptions>(
      "fairway-samples-kernel-pipeline",
      "From the kernels of samples to merged ones on memory",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildSamplesKernelPipeline(pm, {options.machine, options.threads});
      });
  PassPipelineRegistration<PipelineOptions>(
      "fairway-merged-kernel-pipeline", "From merged kernels to vector code",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildMergedKernelPipeline(pm, {options.machine, options.threads});
      });
}
