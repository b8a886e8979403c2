//===- Instance.cpp - a model at certain sizes ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Instance.h"
#include "Artefact.h"
#include "Dtype.h"
#include "Failure.h"
#include "Sizes.h"
#include "fairway/Support/ArenaLayout.h"
#include "fairway/Support/ExpressionText.h"

#include <algorithm>

using namespace fairway::runtime;

Instance::Instance(const fairway_artefact_t &artefact) : description(artefact) {
  runSchedule.emplace(description.run);
}

Instance::Instance(const fairway_artefact_t &artefact,
                   std::vector<int64_t> sizes, const std::string &name)
    : description(artefact), givenSizes(std::move(sizes)) {
  evaluateAll();
  copyTensors();
  copyPlan();
  for (uint64_t i = 0; i < artefact.num_varying; ++i)
    patch(artefact.varying[i]);
  description.varying = nullptr;
  description.num_varying = 0;
  if (scratchBytes)
    description.run.scratch_bytes = *scratchBytes;
  countBytes(inputs, "input");
  countBytes(outputs, "output");
  checkRun(description, name);
  if (!allocations.empty())
    layOut();
  runSchedule.emplace(description.run);
}

void Instance::refuse(const std::string &why) const {
  fail(FAIRWAY_INVALID_ARGUMENT, "the model cannot run with " +
                                     sizesText(description, givenSizes.data()) +
                                     ": " + why);
}

void Instance::evaluateAll() {
  expressionValues.reserve(description.num_expressions);
  for (uint32_t i = 0; i < description.num_expressions; ++i) {
    const fairway_expression &expression = description.expressions[i];
    std::optional<int64_t> value =
        evaluate(expression, givenSizes.data(), description.num_sizes);
    if (!value)
      refuse(expressionText(description, expression) +
             " is larger than 64 bits can say");
    expressionValues.push_back(*value);
  }
}

void Instance::copyTensors() {
  auto copy = [](const fairway_tensor_desc *&from, uint32_t count,
                 std::vector<fairway_tensor_desc> &tensors,
                 std::vector<std::vector<int64_t>> &shapes) {
    tensors.assign(from, from + count);
    shapes.reserve(count);
    for (fairway_tensor_desc &tensor : tensors) {
      shapes.emplace_back(tensor.shape, tensor.shape + tensor.rank);
      tensor.shape = shapes.back().data();
    }
    from = tensors.data();
  };
  copy(description.inputs, description.num_inputs, inputs, inputShapes);
  copy(description.outputs, description.num_outputs, outputs, outputShapes);
}

void Instance::copyPlan() {
  fairway_plan &run = description.run;
  steps.assign(run.steps, run.steps + run.num_steps);
  buffers.reserve(steps.size());
  dimensions.reserve(steps.size());
  for (fairway_step &step : steps) {
    buffers.emplace_back(step.buffers, step.buffers + step.num_buffers);
    dimensions.emplace_back(step.dimensions,
                            step.dimensions + step.num_dimensions);
    step.buffers = buffers.back().data();
    step.dimensions = dimensions.back().data();
  }
  allocations.assign(run.allocations, run.allocations + run.num_allocations);
  run.steps = steps.data();
  run.allocations = allocations.data();
}

/// Gives a field its value.
void Instance::patch(const fairway_varying &varying) {
  int64_t value = expressionValues[varying.expression];
  auto [field, expression, index, part] = varying;
  if (value < 0) {
    std::string what = "a part of its plan";
    if (field == FAIRWAY_INPUT_EXTENT || field == FAIRWAY_OUTPUT_EXTENT)
      what = "axis " + std::to_string(part) +
             (field == FAIRWAY_INPUT_EXTENT
                  ? " of input '" + std::string(inputs[index].name)
                  : " of output '" + std::string(outputs[index].name)) +
             "'";
    refuse(what + " would be " + std::to_string(value) + " (" +
           expressionText(description, description.expressions[expression]) +
           ")");
  }
  switch (field) {
  case FAIRWAY_INPUT_EXTENT:
    inputShapes[index][part] = value;
    break;
  case FAIRWAY_OUTPUT_EXTENT:
    outputShapes[index][part] = value;
    break;
  case FAIRWAY_ALLOCATION_BYTES:
    allocations[index].bytes = value;
    break;
  case FAIRWAY_BUFFER_OFFSET:
    buffers[index][part].offset = value;
    break;
  case FAIRWAY_BUFFER_BYTES:
    buffers[index][part].bytes = value;
    break;
  case FAIRWAY_STEP_FLOPS:
    steps[index].flops = value;
    break;
  case FAIRWAY_STEP_BYTES:
    steps[index].bytes = value;
    break;
  case FAIRWAY_STEP_EXTENT:
    dimensions[index][part].extent = value;
    dimensions[index][part].tile =
        std::min(dimensions[index][part].tile, std::max<uint64_t>(value, 1));
    break;
  case FAIRWAY_SCRATCH_BYTES:
    scratchBytes = std::max(scratchBytes.value_or(0), uint64_t(value));
    break;
  }
}

/// Sets the tensors' `bytes` to what their shapes say.
void Instance::countBytes(std::vector<fairway_tensor_desc> &tensors,
                          const char *role) {
  for (fairway_tensor_desc &tensor : tensors) {
    tensor.bytes = dtypeInfo(tensor.dtype)->bytes;
    for (uint32_t axis = 0; axis < tensor.rank; ++axis)
      if (__builtin_mul_overflow(tensor.bytes, uint64_t(tensor.shape[axis]),
                                 &tensor.bytes))
        refuse(std::string(role) + " '" + tensor.name +
               "' would have more bytes than 64 bits can count");
  }
}

/// Makes an arena of the allocations. They were checked: every buffer lies in
/// its allocation.
void Instance::layOut() {
  std::vector<Lifetime> lifetimes;
  uint64_t total = 0;
  for (const fairway_allocation &allocation : allocations) {
    // No layout needs more than all of them one after another.
    if (allocation.bytes > uint64_t(INT64_MAX) - FAIRWAY_BUFFER_ALIGNMENT ||
        (total += alignUp(allocation.bytes, FAIRWAY_BUFFER_ALIGNMENT)) >
            uint64_t(INT64_MAX))
      fail(FAIRWAY_OUT_OF_MEMORY,
           "no memory for the model's working memory with " +
               sizesText(description, givenSizes.data()));
    lifetimes.push_back({int64_t(allocation.bytes), allocation.first_meeting,
                         allocation.last_meeting});
  }
  ArenaLayout layout = layOutArena(lifetimes, FAIRWAY_BUFFER_ALIGNMENT);
  for (std::vector<fairway_buffer_ref> &refs : buffers)
    for (fairway_buffer_ref &ref : refs)
      if (ref.space == FAIRWAY_SPACE_ARENA) {
        ref.offset += uint64_t(layout.offsets[ref.index]);
        ref.index = 0;
      }
  description.run.arena_bytes = uint64_t(layout.bytes);
  description.run.allocations = nullptr;
  description.run.num_allocations = 0;
}
