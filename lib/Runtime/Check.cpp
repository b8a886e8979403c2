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

#include <vector>

using namespace fairway::runtime;

namespace {

/// What the buffers of a plan must keep to; sizes are in bytes.
struct PlanLimits {
  const fairway_plan &plan;
  std::vector<uint64_t> inputs, outputs, constants;
  uint64_t step = 0; ///< the one that is being checked
};

class Checker {
public:
  Checker(const fairway_artefact_t &artefact, const std::string &name)
      : artefact(artefact), name(name) {}

  void checkVersion() const;
  void checkCpu() const;
  void checkInterface() const;
  void checkConstants() const;
  void checkPlan(const char *which, PlanLimits limits) const;

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
  void checkBuffer(const fairway_buffer_ref &ref, const PlanLimits &limits,
                   const std::string &step) const;

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

void Checker::checkBuffer(const fairway_buffer_ref &ref,
                          const PlanLimits &limits,
                          const std::string &step) const {
  auto bad = [&](const char *what) { corrupt(step + what); };
  auto lies = [&](uint64_t size) {
    return ref.offset <= size && ref.bytes <= size - ref.offset;
  };
  bool written = ref.flags & FAIRWAY_BUFFER_WRITTEN;
  switch (ref.space) {
  case FAIRWAY_SPACE_ARENA:
    if (!lies(limits.plan.arena_bytes))
      bad("has a buffer outside the arena");
    if (ref.first_step > limits.step || ref.last_step < limits.step ||
        ref.last_step >= limits.plan.num_steps)
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
  default:
    bad("has a buffer in an unknown space");
  }
}

void Checker::checkPlan(const char *which, PlanLimits limits) const {
  const fairway_plan &plan = limits.plan;
  require(!plan.num_steps || plan.steps, "a plan has no steps");
  for (limits.step = 0; limits.step < plan.num_steps; ++limits.step) {
    const fairway_step &step = plan.steps[limits.step];
    std::string where =
        "step " + std::to_string(limits.step) + " of its " + which + " plan ";
    auto requireOfStep = [&](bool condition, const char *what) {
      if (!condition)
        corrupt(where + what);
    };
    requireOfStep(step.name && step.kernel, "has no kernel");
    requireOfStep(!step.num_buffers || step.buffers, "has no buffers");
    for (uint32_t b = 0; b < step.num_buffers; ++b)
      checkBuffer(step.buffers[b], limits, where);
    requireOfStep(!step.num_dimensions || step.dimensions, "has no dimensions");
    for (uint32_t d = 0; d < step.num_dimensions; ++d)
      requireOfStep(step.dimensions[d].tile != 0, "has tiles of nothing");
  }
}

void fairway::runtime::checkArtefact(const fairway_artefact_t &artefact,
                                     const std::string &name) {
  Checker checker(artefact, name);
  checker.checkVersion();
  checker.checkCpu();
  checker.checkInterface();
  checker.checkConstants();
  auto sizes = [](const fairway_tensor_desc *tensors, uint32_t count) {
    std::vector<uint64_t> bytes;
    for (uint32_t i = 0; i < count; ++i)
      bytes.push_back(tensors[i].bytes);
    return bytes;
  };
  std::vector<uint64_t> constants, prepared(artefact.num_prepared);
  for (uint32_t i = 0; i < artefact.num_constants; ++i) {
    const fairway_constant_desc &constant = artefact.constants[i];
    constants.push_back(constant.tensor.bytes);
    if (constant.parameter < 0)
      prepared[constant.prepared] = constant.tensor.bytes;
  }
  checker.checkPlan("run",
                    {artefact.run, sizes(artefact.inputs, artefact.num_inputs),
                     sizes(artefact.outputs, artefact.num_outputs), constants});
  checker.checkPlan("prepare",
                    {artefact.prepare,
                     sizes(artefact.parameters, artefact.num_parameters),
                     prepared,
                     {}});
}
