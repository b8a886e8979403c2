//===- Passes.h - passes of the Kernel stage ------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_PASSES_H
#define FAIRWAY_KERNEL_PASSES_H

#include "fairway/Kernel/Config.h"
#include "fairway/Support/MachineDescription.h"

#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace fairway {

#define GEN_PASS_DECL
#include "fairway/Kernel/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "fairway/Kernel/Passes.h.inc"

/// What kernels are generated for.
struct KernelOptions {
  MachineDescription machine;
  /// How many workers a kernel will usually be divided among.
  unsigned threads = 8;
};

/// From kernels on tensors to functions on memory, made of scf, memref, arith,
/// vector and math only.
void buildKernelPipeline(mlir::OpPassManager &pm, const KernelOptions &options);

/// From the samples of a model of open sizes to merged kernels on memory,
/// beside the samples' entries for the Plan stage; and, behind that, from
/// merged kernels to what `buildKernelPipeline` gives.
void buildSamplesKernelPipeline(mlir::OpPassManager &pm,
                                const KernelOptions &options);
void buildMergedKernelPipeline(mlir::OpPassManager &pm,
                               const KernelOptions &options);

/// Registers the stage's pipelines by name.
void registerFairwayKernelPipelines();

} // namespace fairway

#endif // FAIRWAY_KERNEL_PASSES_H
