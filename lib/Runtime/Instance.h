//===- Instance.h - a model at certain sizes --------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_INSTANCE_H
#define FAIRWAY_LIB_RUNTIME_INSTANCE_H

#include "Schedule.h"
#include "fairway/Runtime/artefact.h"

#include <optional>
#include <string>
#include <vector>

namespace fairway::runtime {

/// A description in which nothing is left open, and its schedule. Constant once
/// made, so many threads may use one.
class Instance {
public:
  /// A model without open sizes, as it is. The artefact must outlive this.
  explicit Instance(const fairway_artefact_t &artefact);

  /// A model at `sizes`: what varies gets the value that it has there, and the
  /// allocations get places in the arena. Throws a Failure if the model cannot
  /// run at these sizes; `name` is for messages.
  Instance(const fairway_artefact_t &artefact, std::vector<int64_t> sizes,
           const std::string &name);

  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;

  /// An artefact whose `varying` and `run.allocations` are empty.
  const fairway_artefact_t &artefact() const { return description; }
  const Schedule &schedule() const { return *runSchedule; }
  const std::vector<int64_t> &sizes() const { return givenSizes; }

  /// The values of all expressions, which kernels read.
  const int64_t *values() const { return expressionValues.data(); }

private:
  [[noreturn]] void refuse(const std::string &why) const;
  void evaluateAll();
  void copyTensors();
  void copyPlan();
  void patch(const fairway_varying &varying);
  void countBytes(std::vector<fairway_tensor_desc> &tensors, const char *role);
  void layOut();

  fairway_artefact_t description;
  std::vector<int64_t> givenSizes;
  std::vector<int64_t> expressionValues;
  std::vector<fairway_tensor_desc> inputs, outputs;
  std::vector<std::vector<int64_t>> inputShapes, outputShapes;
  std::vector<fairway_step> steps;
  std::vector<std::vector<fairway_buffer_ref>> buffers; ///< of each step
  std::vector<std::vector<fairway_dimension>> dimensions;
  std::vector<fairway_allocation> allocations;
  std::optional<uint64_t> scratchBytes; ///< the largest that varies
  std::optional<Schedule> runSchedule;
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_INSTANCE_H
