//===- Pipeline.cpp - the Graph stage as one pipeline
//----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

/// Up to where parameters and the rest part.
static void addFront(OpPassManager &pm, const fairway::GraphOptions &options) {
  using namespace fairway;
  pm.addPass(createUnrollLoops());
  pm.addPass(createVerifyContract());

  // Everything is a pure linalg.generic on tensors, or a view, or an insertion.
  pm.addPass(createRemoveAsserts());
  pm.addPass(createInlinerPass());
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createDecomposeDataMovement());
  pm.addPass(createGeneralize());
  pm.addPass(createFoldEmpty());
  pm.addPass(createTrimWindows());
  pm.addPass(createLegalizeBools());
  pm.addPass(createCanonicalizerPass());
  // Double precision is what the model asks for, not what its importer adds.
  pm.addPass(createDemoteStatistics());
  pm.addPass(createCSEPass());

  // Batch norm is one op, then part of the weights.
  pm.addPass(createFuseElementwise());
  pm.addPass(createFoldAffineEpilogue());
  pm.addPass(createCSEPass());

  // No window reads inserted zeros.
  pm.addPass(createSplitWindows());

  // Channels last; no dimension of size one; windows of 3x3 in blocks, where
  // that is faster; weights in panels.
  pm.addPass(createAssignLayout());
  pm.addPass(createLinalgFoldUnitExtentDimsPass());
  pm.addPass(createFuseElementwise());
  pm.addPass(createRaiseGathers());
  pm.addPass(createWinograd({options.machine, options.threads}));
  pm.addPass(createMergeWindows());
  pm.addPass(createBlockWeights({unsigned(options.machine.vectorBits)}));
  pm.addPass(createFuseElementwise({/*moveReshapes=*/true}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  // Attention divides last, and its heads are read and written where they are.
  pm.addPass(createCompareMaxima());
  pm.addPass(createDeferDivisions());
  pm.addPass(createFuseElementwise());
  pm.addPass(createFoldTranspositions());
  pm.addPass(createCSEPass());

  // Sums are one loop.
  pm.addPass(createMergeReductions());

  // What is laid out from here on has sizes.
  pm.addPass(createVerifySizes());

  // Paddings and concatenations are slices that their producers write. (Not
  // canonicalized: reading a halo's interior would become reading its source.)
  pm.addPass(createPlaceInserts());
  pm.addPass(createCSEPass());

  // Rows that are read in step do not meet in the cache.
  pm.addPass(createPadStrides());
}

/// Parameters are prepared once; the rest is cut into kernels.
static void addBack(OpPassManager &pm, const fairway::GraphOptions &options) {
  pm.addPass(fairway::createHoistParameters());
  pm.addPass(fairway::createFormKernels());

  // A large batch passes through the cache in slices.
  pm.addPass(fairway::createSliceBatch({options.machine, options.threads}));
}

void fairway::buildGraphPipeline(OpPassManager &pm,
                                 const GraphOptions &options) {
  addFront(pm, options);
  addBack(pm, options);
}

void fairway::buildSamplesGraphPipeline(OpPassManager &pm,
                                        const GraphOptions &options) {
  addFront(pm.nest<ModuleOp>(), options);
  pm.addPass(createMarkVarying());
  addBack(pm.nest<ModuleOp>(), options);
}

namespace {
struct GraphPipelineOptions : PassPipelineOptions<GraphPipelineOptions> {
  Option<fairway::MachineDescription> machine{
      *this, "machine", llvm::cl::desc("What the cost models know")};
  Option<unsigned> threads{*this, "threads",
                           llvm::cl::desc("Usual number of workers"),
                           llvm::cl::init(8)};
};
} // namespace

void fairway::registerFairwayGraphPipelines() {
  PassPipelineRegistration<GraphPipelineOptions>(
      "fairway-graph-pipeline", "From a Program's module to kernels",
      [](OpPassManager &pm, const GraphPipelineOptions &options) {
        buildGraphPipeline(pm, {options.machine, options.threads});
      });
  PassPipelineRegistration<GraphPipelineOptions>(
      "fairway-samples-graph-pipeline",
      "The same for the samples of a model whose sizes stay open",
      [](OpPassManager &pm, const GraphPipelineOptions &options) {
        buildSamplesGraphPipeline(pm, {options.machine, options.threads});
      });
}
