//===- Check.cpp - is an artefact's description consistent? ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that the runtime later relies on without looking again.
//
//===----------------------------------------------------------------------===//
#include "Artefact.h"
#include "CpuFeatures.h"
#include "Dtype.h"
#include "Failure.h"
#include "Memory.h"
#include "Sizes.h"

#include <cstring>
#include <vector>

using namespace fairway::runtime;

namespace {

/// What the buffers of a plan must keep to; sizes are in bytes.
struct PlanLimits {
  const fairway_plan &plan;
  std::vector<uint64_t> inputs, outputs, constants;
  uint64_t expressions;  ///< all their values
  uint64_t step = 0;     ///< the one that is being checked
  uint64_t meetings = 0; ///< how often workers have met before it
};

class Checker {
public:
  Checker(const fairway_artefact_t &artefact, const std::string &name)
      : artefact(artefact), name(name) {}

  void checkVersion() const;
  void checkCpu() const;
  void checkInterface() const;
  void checkConstants() const;
  void checkSizes() const;
  void checkRunPlan() const;
  void checkPreparePlan() const;

private:
  [[noreturn]] void corrupt(const std::string &what) const {
    fail(FAIRWAY_CORRUPT, "'" + name + "' is damaged: " + what);
  }
  void require(bool condition, const char *what) const {
    if (!condition)
      corrupt(what);
  }
  void checkTensor(const fairway_tensor_desc &tensor) const;
  void checkTensors(const fairway_tensor_desc *tensors, uint32_t count,
                    const char *what) const;
  void checkExpressions() const;
  void checkVarying(const fairway_varying &varying) const;
  void checkSlices() const;
  void checkPlan(const char *which, PlanLimits limits) const;
  template <typename Bad>
  void checkBuffer(const fairway_buffer_ref &ref, const PlanLimits &limits,
                   Bad bad) const;

  const fairway_artefact_t &artefact;
  const std::string &name;
};

} // namespace

void Checker::checkVersion() const {
  if (artefact.magic != FAIRWAY_ARTEFACT_MAGIC)
    fail(FAIRWAY_NOT_AN_ARTEFACT,
         "'" + name + "' is not a compiled Fairway model: wrong magic number");
  // Only the first two fields are the same in every version.
  if (artefact.abi != FAIRWAY_ARTEFACT_ABI)
    fail(FAIRWAY_WRONG_ABI,
         "'" + name +
             "' was written by another version of Fairway: it has "
             "artefact version " +
             std::to_string(artefact.abi) + ", this runtime (" +
             fairway_runtime_version() + ") reads version " +
             std::to_string(FAIRWAY_ARTEFACT_ABI) +
             "; compile the model again");
  require(artefact.fairway_version && artefact.triple && artefact.cpu &&
              artefact.features,
          "a version string is missing");
}

void Checker::checkCpu() const {
  std::string missing = missingCpuFeatures(artefact.features);
  if (!missing.empty())
    fail(FAIRWAY_MISSING_CPU_FEATURE,
         "'" + name + "' was compiled for the CPU '" + artefact.cpu +
             "'; this machine's CPU lacks: " + missing);
}

void Checker::checkTensor(const fairway_tensor_desc &tensor) const {
  require(tensor.name, "a tensor has no name");
  const DtypeInfo *info = dtypeInfo(tensor.dtype);
  require(info, "a tensor has an unknown element type");
  require(!tensor.rank || tensor.shape, "a tensor has no shape");
  uint64_t bytes = info->bytes;
  for (uint32_t i = 0; i < tensor.rank; ++i)
    if (tensor.shape[i] < 0 ||
        __builtin_mul_overflow(bytes, uint64_t(tensor.shape[i]), &bytes))
      corrupt("the shape of '" + std::string(tensor.name) + "' is impossible");
  if (bytes != tensor.bytes)
    corrupt("the size of '" + std::string(tensor.name) +
            "' does not match its shape");
}

void Checker::checkTensors(const fairway_tensor_desc *tensors, uint32_t count,
                           const char *what) const {
  require(!count || tensors, what);
  for (uint32_t i = 0; i < count; ++i)
    checkTensor(tensors[i]);
}

void Checker::checkInterface() const {
  checkTensors(artefact.inputs, artefact.num_inputs, "no inputs");
  checkTensors(artefact.outputs, artefact.num_outputs, "no outputs");
  checkTensors(artefact.parameters, artefact.num_parameters, "no parameters");
  require(!artefact.metadata_bytes || artefact.metadata, "no metadata");
  require(!artefact.weights || isAligned(artefact.weights),
          "its weights are not aligned");
}

void Checker::checkConstants() const {
  require(!artefact.num_constants || artefact.constants, "no constants");
  constexpr uint64_t unknown = ~uint64_t(0);
  std::vector<uint64_t> prepared(artefact.num_prepared, unknown);
  for (uint32_t i = 0; i < artefact.num_constants; ++i) {
    const fairway_constant_desc &constant = artefact.constants[i];
    checkTensor(constant.tensor);
    uint64_t bytes = constant.tensor.bytes;
    std::string what = "constant '" + std::string(constant.tensor.name) + "' ";
    if (constant.parameter >= 0) {
      if (uint32_t(constant.parameter) >= artefact.num_parameters ||
          artefact.parameters[constant.parameter].bytes != bytes)
        corrupt(what + "does not match its parameter");
    } else {
      if (constant.prepared < 0 ||
          uint32_t(constant.prepared) >= artefact.num_prepared)
        corrupt(what + "has no source");
      uint64_t &known = prepared[constant.prepared];
      if (known != unknown && known != bytes)
        corrupt(what + "does not match another of the same source");
      known = bytes;
    }
    if (artefact.weights && (constant.offset % FAIRWAY_BUFFER_ALIGNMENT ||
                             constant.offset > artefact.weights_bytes ||
                             bytes > artefact.weights_bytes - constant.offset))
      corrupt(what + "lies outside the weights");
  }
  for (uint64_t bytes : prepared)
    require(bytes != unknown, "a prepared weight has no constant");
}

/// A term is the size itself if it is one times it.
static bool isSize(const fairway_expression &expression, uint32_t size) {
  if (expression.num_terms != 1 || expression.terms[0].coefficient != 1)
    return false;
  for (uint32_t i = 0; i < FAIRWAY_MAX_SIZES; ++i)
    if (expression.terms[0].powers[i] != (i == size))
      return false;
  return true;
}

void Checker::checkExpressions() const {
  require(artefact.num_expressions >= artefact.num_sizes &&
              (!artefact.num_expressions || artefact.expressions),
          "expressions are missing");
  for (uint32_t e = 0; e < artefact.num_expressions; ++e) {
    const fairway_expression &expression = artefact.expressions[e];
    require(!expression.num_terms || expression.terms,
            "an expression has no terms");
    for (uint64_t t = 0; t < expression.num_terms; ++t)
      for (uint32_t i = artefact.num_sizes; i < FAIRWAY_MAX_SIZES; ++i)
        require(!expression.terms[t].powers[i],
                "an expression uses a size that does not exist");
  }
  for (uint32_t i = 0; i < artefact.num_sizes; ++i)
    require(isSize(artefact.expressions[i], i),
            "its first expressions are not the sizes");
}

void Checker::checkVarying(const fairway_varying &varying) const {
  auto [field, expression, index, part] = varying;
  const fairway_plan &run = artefact.run;
  require(expression < artefact.num_expressions,
          "a field has an expression that does not exist");
  bool exists = false;
  switch (field) {
  case FAIRWAY_INPUT_EXTENT:
    exists = index < artefact.num_inputs && part < artefact.inputs[index].rank;
    break;
  case FAIRWAY_OUTPUT_EXTENT:
    exists =
        index < artefact.num_outputs && part < artefact.outputs[index].rank;
    break;
  case FAIRWAY_ALLOCATION_BYTES:
    exists = index < run.num_allocations;
    break;
  case FAIRWAY_BUFFER_OFFSET:
  case FAIRWAY_BUFFER_BYTES:
    exists = index < run.num_steps && part < run.steps[index].num_buffers;
    break;
  case FAIRWAY_STEP_FLOPS:
  case FAIRWAY_STEP_BYTES:
    exists = index < run.num_steps;
    break;
  case FAIRWAY_STEP_EXTENT:
    exists = index < run.num_steps && part < run.steps[index].num_dimensions;
    break;
  case FAIRWAY_SCRATCH_BYTES:
    exists = true;
    break;
  }
  require(exists, "a field that varies does not exist");
}

/// The interface and the plans must have been checked.
void Checker::checkSizes() const {
  uint32_t count = artefact.num_sizes;
  require(count <= FAIRWAY_MAX_SIZES, "it has too many sizes");
  require(!count || artefact.sizes, "its sizes are missing");
  for (uint32_t i = 0; i < count; ++i) {
    const fairway_size &size = artefact.sizes[i];
    require(size.name, "a size has no name");
    for (uint32_t other = 0; other < i; ++other)
      require(strcmp(size.name, artefact.sizes[other].name) != 0,
              "two sizes have one name");
    if (size.minimum < 0 || size.minimum > size.maximum)
      corrupt("the limits of size '" + std::string(size.name) +
              "' are impossible");
  }
  require(count || (!artefact.num_expressions && !artefact.num_varying &&
                    !artefact.run.num_allocations),
          "something varies that no size decides");
  checkExpressions();
  require(!artefact.num_varying || artefact.varying,
          "the fields that vary are missing");
  std::vector<bool> decided(count);
  for (uint64_t i = 0; i < artefact.num_varying; ++i) {
    const fairway_varying &varying = artefact.varying[i];
    checkVarying(varying);
    if (varying.field == FAIRWAY_INPUT_EXTENT)
      if (auto linear =
              asLinear(artefact.expressions[varying.expression], count))
        decided[linear->size] = true;
  }
  for (uint32_t i = 0; i < count; ++i)
    if (!decided[i])
      corrupt("no input decides size '" + std::string(artefact.sizes[i].name) +
              "'");
  checkSlices();
}

/// What the sizes' number `sliced_size` decides is a first extent, alone.
void Checker::checkSlices() const {
  if (!artefact.slice)
    return;
  require(artefact.slice > 0 && artefact.sliced_size < artefact.num_sizes,
          "its slices are impossible");
  std::vector<bool> sliced(artefact.num_outputs);
  for (uint64_t i = 0; i < artefact.num_varying; ++i) {
    const fairway_varying &varying = artefact.varying[i];
    if (varying.field != FAIRWAY_INPUT_EXTENT &&
        varying.field != FAIRWAY_OUTPUT_EXTENT)
      continue;
    if (varying.expression == artefact.sliced_size && varying.part == 0) {
      if (varying.field == FAIRWAY_OUTPUT_EXTENT)
        sliced[varying.index] = true;
      continue;
    }
    const fairway_expression &extent = artefact.expressions[varying.expression];
    for (uint64_t t = 0; t < extent.num_terms; ++t)
      require(!extent.terms[t].powers[artefact.sliced_size],
              "its slices would cut more than samples apart");
  }
  for (bool each : sliced)
    require(each, "an output cannot be cut into slices");
}

template <typename Bad>
void Checker::checkBuffer(const fairway_buffer_ref &ref,
                          const PlanLimits &limits, Bad bad) const {
  auto lies = [&](uint64_t size) {
    return ref.offset <= size && ref.bytes <= size - ref.offset;
  };
  const fairway_plan &plan = limits.plan;
  bool written = ref.flags & FAIRWAY_BUFFER_WRITTEN;
  switch (ref.space) {
  case FAIRWAY_SPACE_ARENA:
    if (!plan.num_allocations) {
      if (!lies(plan.arena_bytes))
        bad("has a buffer outside the arena");
    } else {
      if (ref.index >= plan.num_allocations)
        bad("has a buffer in an allocation that does not exist");
      const fairway_allocation &allocation = plan.allocations[ref.index];
      if (!lies(allocation.bytes))
        bad("has a buffer outside its allocation");
      if (allocation.first_meeting > limits.meetings ||
          allocation.last_meeting < limits.meetings)
        bad("uses an allocation outside its lifetime");
    }
    if (ref.first_step > limits.step || ref.last_step < limits.step ||
        ref.last_step >= plan.num_steps)
      bad("uses a buffer outside its lifetime");
    break;
  case FAIRWAY_SPACE_INPUT:
    if (ref.index >= limits.inputs.size())
      bad("reads an input that does not exist");
    if (!lies(limits.inputs[ref.index]))
      bad("reads beyond an input");
    if (written)
      bad("writes an input");
    break;
  case FAIRWAY_SPACE_OUTPUT:
    if (ref.index >= limits.outputs.size())
      bad("writes an output that does not exist");
    if (!lies(limits.outputs[ref.index]))
      bad("writes beyond an output");
    break;
  case FAIRWAY_SPACE_CONSTANT:
    if (ref.index >= limits.constants.size())
      bad("reads a constant that does not exist");
    if (!lies(limits.constants[ref.index]))
      bad("reads beyond a constant");
    if (written)
      bad("writes a constant");
    break;
  case FAIRWAY_SPACE_SIZES:
    if (ref.index || !lies(limits.expressions))
      bad("reads sizes that do not exist");
    if (written)
      bad("writes sizes");
    break;
  default:
    bad("has a buffer in an unknown space");
  }
}

void Checker::checkPlan(const char *which, PlanLimits limits) const {
  const fairway_plan &plan = limits.plan;
  require(!plan.num_steps || plan.steps, "a plan has no steps");
  require(!plan.num_allocations || (plan.allocations && !plan.arena_bytes),
          "a plan's allocations are impossible");
  for (limits.step = 0; limits.step < plan.num_steps; ++limits.step) {
    const fairway_step &step = plan.steps[limits.step];
    auto bad = [&](const char *what) {
      corrupt("step " + std::to_string(limits.step) + " of its " + which +
              " plan " + what);
    };
    auto requireOfStep = [&](bool condition, const char *what) {
      if (!condition)
        bad(what);
    };
    limits.meetings += step.flags & FAIRWAY_STEP_BARRIER ? 1 : 0;
    requireOfStep(step.name && step.kernel, "has no kernel");
    requireOfStep(!step.num_buffers || step.buffers, "has no buffers");
    for (uint32_t b = 0; b < step.num_buffers; ++b)
      checkBuffer(step.buffers[b], limits, bad);
    requireOfStep(!step.num_dimensions || step.dimensions, "has no dimensions");
    for (uint32_t d = 0; d < step.num_dimensions; ++d)
      requireOfStep(step.dimensions[d].tile != 0, "has tiles of nothing");
  }
}

static std::vector<uint64_t> bytesOf(const fairway_tensor_desc *tensors,
                                     uint32_t count) {
  std::vector<uint64_t> bytes;
  for (uint32_t i = 0; i < count; ++i)
    bytes.push_back(tensors[i].bytes);
  return bytes;
}

void Checker::checkRunPlan() const {
  std::vector<uint64_t> constants;
  for (uint32_t i = 0; i < artefact.num_constants; ++i)
    constants.push_back(artefact.constants[i].tensor.bytes);
  checkPlan("run", {artefact.run, bytesOf(artefact.inputs, artefact.num_inputs),
                    bytesOf(artefact.outputs, artefact.num_outputs), constants,
                    artefact.num_expressions * sizeof(int64_t)});
}

void Checker::checkPreparePlan() const {
  std::vector<uint64_t> prepared(artefact.num_prepared);
  for (uint32_t i = 0; i < artefact.num_constants; ++i) {
    const fairway_constant_desc &constant = artefact.constants[i];
    if (constant.parameter < 0)
      prepared[constant.prepared] = constant.tensor.bytes;
  }
  require(!artefact.prepare.num_allocations,
          "the memory of its prepare plan varies");
  checkPlan("prepare", {artefact.prepare,
                        bytesOf(artefact.parameters, artefact.num_parameters),
                        prepared,
                        {},
                        0});
}

void fairway::runtime::checkArtefact(const fairway_artefact_t &artefact,
                                     const std::string &name) {
  Checker checker(artefact, name);
  checker.checkVersion();
  checker.checkCpu();
  checker.checkInterface();
  checker.checkConstants();
  checker.checkRunPlan();
  checker.checkPreparePlan();
  checker.checkSizes();
}

void fairway::runtime::checkRun(const fairway_artefact_t &artefact,
                                const std::string &name) {
  Checker checker(artefact, name);
  checker.checkInterface();
  checker.checkRunPlan();
}
