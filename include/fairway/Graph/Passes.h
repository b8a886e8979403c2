//===- Passes.h - passes of the Graph stage
//----------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_GRAPH_PASSES_H
#define FAIRWAY_GRAPH_PASSES_H

#include "fairway/Support/MachineDescription.h"

#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace fairway {

#define GEN_PASS_DECL
#include "fairway/Graph/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fairway/Graph/Passes.h.inc"

/// Options of the stage; see the passes for what they mean.
struct GraphOptions {
  MachineDescription machine;
  /// How many workers a kernel will usually be divided among.
  unsigned threads = 8;
};

/// From a Program's module to kernels in @main and @prepare.
void buildGraphPipeline(mlir::OpPassManager &pm, const GraphOptions &options);

/// The same for a module that holds the samples of a model whose sizes stay
/// open (Support/Sizes.h).
void buildSamplesGraphPipeline(mlir::OpPassManager &pm,
                               const GraphOptions &options);

/// Registers the stage's pipelines by name.
void registerFairwayGraphPipelines();

} // namespace fairway

#endif // FAIRWAY_GRAPH_PASSES_H
