//===- NestEmitter.h - loops around a generic's body ----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_NESTEMITTER_H
#define FAIRWAY_LIB_KERNEL_NESTEMITTER_H

#include "BodyEmitter.h"
#include "LoopPlan.h"

namespace fairway {

/// A generic that is computed on values in registers, before or after the
/// reduction of another one, and how its loops follow the other one's.
struct Attached {
  mlir::linalg::GenericOp op;
  /// For each of its loops, the loop of the main generic.
  llvm::SmallVector<unsigned> loops;
};

/// What one loop nest computes: a main generic, and those around it that need
/// not go through memory.
struct Fusion {
  mlir::linalg::GenericOp main;
  /// Gives the accumulators' initial values instead of the output buffer.
  std::optional<Attached> init;
  /// Consume the results in order; each reads result buffers of earlier ones
  /// from registers.
  llvm::SmallVector<Attached> epilogue;
  /// Whether the main result (and each epilogue's) is needed in memory too.
  bool storeMain = true;
  llvm::SmallVector<bool> storeEpilogue;
};

/// Emits `fusion` as scf.for and vector code at the builder's insertion point,
/// following `plan`.
void emitNest(mlir::OpBuilder &builder, const Fusion &fusion,
              const LoopPlan &plan);

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_NESTEMITTER_H
