//===- PlanAttributes.h - the plan in a module's attributes, typed
//---------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the Plan stage leaves on the module (`fairway.run`, `fairway.prepare`,
// `fairway.inputs`, ...), read into plain structs with every field checked.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TARGET_PLANATTRIBUTES_H
#define FAIRWAY_TARGET_PLANATTRIBUTES_H

#include "fairway/Support/OpenSizes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairway {

/// A kernel's buffer: `fairway_buffer_ref`.
struct BufferRef {
  uint32_t space = 0;
  uint32_t index = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool written = false;
  uint32_t firstStep = 0, lastStep = 0;
};

/// `fairway_dimension`.
struct Dimension {
  uint64_t extent = 0, tile = 1;
};

/// One kernel call: `fairway_step`.
struct PlanStep {
  std::string kernel;
  std::vector<BufferRef> buffers;
  bool barrier = false;
  uint64_t tiles = 1, flops = 0, bytes = 0;
  std::vector<Dimension> dimensions;
  std::string config; ///< of the kernel, as `printConfig` gives it
};

/// `fairway_allocation`.
struct Allocation {
  uint64_t bytes = 0;
  uint32_t firstMeeting = 0, lastMeeting = 0;
};

/// `fairway_plan`.
struct Plan {
  std::vector<PlanStep> steps;
  uint64_t arenaBytes = 0, scratchBytes = 0;
  std::vector<Allocation> allocations;
};

/// `fairway_varying`.
struct Varying {
  uint32_t field = 0, expression = 0, index = 0, part = 0;
};

/// `fairway_tensor_desc`, with the two numbers that only constants have.
struct TensorDesc {
  std::string name;
  uint32_t dtype = 0;
  llvm::SmallVector<int64_t> shape;
  uint64_t bytes = 0;
  int32_t parameter = -1, prepared = -1;
};

/// Everything that the artefact's descriptor says about execution.
struct ModelPlan {
  Plan run, prepare;
  std::vector<TensorDesc> inputs, outputs, parameters, constants;
  /// What calls decide, if anything.
  llvm::SmallVector<Size, 2> sizes;
  std::vector<Polynomial> expressions;
  std::vector<Varying> varying;
  int64_t slice = 0; ///< of size number `slicedSize`
  uint32_t slicedSize = 0;
};

/// Reads the plan of `module`; a malformed one is reported on the module.
mlir::FailureOr<ModelPlan> readModelPlan(mlir::ModuleOp module);

/// Whether `module` has been through the Plan stage.
bool hasPlan(mlir::ModuleOp module);

} // namespace fairway

#endif // FAIRWAY_TARGET_PLANATTRIBUTES_H
