//===- Passes.h - passes of the Kernel stage ------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_PASSES_H
#define FAIRWAY_KERNEL_PASSES_H

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
  /// Bits of one vector register.
  unsigned vectorBits = 256;
  /// Number of vector registers.
  unsigned registers = 16;
  /// Bytes of a core's own cache that one tile may use.
  int64_t cacheBytes = 512 * 1024;
};

/// From kernels on tensors to functions on memory, made of scf, memref, arith,
/// vector and math only.
void buildKernelPipeline(mlir::OpPassManager &pm, const KernelOptions &options);

/// Registers the stage's pipelines by name.
void registerFairwayKernelPipelines();

} // namespace fairway

#endif // FAIRWAY_KERNEL_PASSES_H
