//===- Model.cpp - a loaded model -----------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include "Affinity.h"
#include "Failure.h"
#include "ThreadPool.h"

#include <algorithm>
#include <cstring>

using namespace fairway::runtime;

namespace {

/// Aligned stand-ins for tensors of the caller that are not aligned.
class Staging {
public:
  explicit Staging(size_t count) : copies(count) {}

  /// An aligned place for `bytes` bytes, the same for each `index`.
  void *place(size_t index, uint64_t bytes) {
    if (!copies[index])
      copies[index] = allocate(bytes, "an aligned copy of a tensor");
    return copies[index].get();
  }

private:
  std::vector<Memory> copies;
};

/// More threads than CPUs only wait for one another at every barrier.
unsigned resolveThreads(unsigned threads) {
  if (threads == 1)
    return 1;
  cpu_set_t cpus = callerCpus();
  return threads ? std::min(threads, hardwareThreads(cpus)) : usableCores(cpus);
}

bool overlap(const void *a, uint64_t aBytes, const void *b, uint64_t bBytes) {
  auto first = reinterpret_cast<uintptr_t>(a);
  auto second = reinterpret_cast<uintptr_t>(b);
  return aBytes && bBytes && first < second + bBytes && second < first + aBytes;
}

std::string quoted(const fairway_tensor_desc &tensor) {
  return "'" + std::string(tensor.name) + "'";
}

void checkCount(size_t given, size_t needed, const std::string &what) {
  if (given != needed)
    fail(FAIRWAY_INVALID_ARGUMENT, "the model has " + std::to_string(needed) +
                                       " " + what + (needed == 1 ? "" : "s") +
                                       ", " + std::to_string(given) + " given");
}

void checkPointers(const void *const *pointers,
                   const fairway_tensor_desc *tensors, size_t count,
                   const char *what) {
  if (count && !pointers)
    fail(FAIRWAY_INVALID_ARGUMENT, std::string("the ") + what + "s are NULL");
  for (size_t i = 0; i < count; ++i)
    if (!pointers[i] && tensors[i].bytes)
      fail(FAIRWAY_INVALID_ARGUMENT,
           std::string(what) + " " + quoted(tensors[i]) + " is NULL");
}

} // namespace

/// What one call of run needs.
struct Model::Workspace {
  Workspace(const Model &model)
      : context(model.runSchedule, model.constants),
        inputCopies(model.description.num_inputs),
        outputCopies(model.description.num_outputs),
        inputs(model.description.num_inputs),
        outputs(model.description.num_outputs) {}

  Context context;
  Staging inputCopies;
  Staging outputCopies;
  std::vector<const void *> inputs; ///< aligned
  std::vector<void *> outputs;      ///< aligned
};

Model::Model(Library lib, const fairway_artefact_t &artefact,
             const std::string &name)
    : library(std::move(lib)),
      description((checkArtefact(artefact, name), artefact)),
      runSchedule(artefact.run), prepareSchedule(artefact.prepare) {
  if (artefact.weights) {
    for (uint32_t i = 0; i < artefact.num_constants; ++i)
      constants.push_back(artefact.weights + artefact.constants[i].offset);
    prepared = true;
  } else if (artefact.num_parameters == 0) {
    prepare(0); // depends on nothing that could still come
  }
}

Model::~Model() = default;

void Model::setParameters(const void *const *values, size_t count) {
  checkCount(count, description.num_parameters, "parameter");
  checkPointers(values, description.parameters, count, "parameter");
  parameters.assign(values, values + count);
  parametersSet = true;
}

void Model::prepare(unsigned threads) {
  const fairway_artefact_t &a = description;
  if (a.num_parameters && !parametersSet)
    fail(FAIRWAY_NOT_PREPARED, "the model's parameters must be set first");

  // One block for all prepared weights.
  std::vector<uint64_t> offsets(a.num_prepared), sizes(a.num_prepared);
  for (uint32_t i = 0; i < a.num_constants; ++i)
    if (a.constants[i].parameter < 0)
      sizes[a.constants[i].prepared] = a.constants[i].tensor.bytes;
  uint64_t total = 0;
  for (uint32_t i = 0; i < a.num_prepared; ++i) {
    offsets[i] = total;
    total += alignUp(sizes[i], FAIRWAY_BUFFER_ALIGNMENT);
  }
  std::vector<Memory> owned;
  owned.push_back(allocate(total, "the model's prepared weights"));
  std::vector<void *> outputs;
  for (uint64_t offset : offsets)
    outputs.push_back(owned[0].get() + offset);

  Staging copies(a.num_parameters);
  std::vector<const void *> inputs = parameters;
  for (uint32_t i = 0; i < a.num_parameters; ++i)
    if (!isAligned(inputs[i])) {
      uint64_t bytes = a.parameters[i].bytes;
      inputs[i] = memcpy(copies.place(i, bytes), parameters[i], bytes);
    }
  if (!prepareSchedule.steps.empty())
    Context(prepareSchedule, {})
        .run(inputs.data(), outputs.data(), resolveThreads(threads), nullptr);

  std::vector<const void *> values;
  for (uint32_t i = 0; i < a.num_constants; ++i) {
    const fairway_constant_desc &constant = a.constants[i];
    if (constant.parameter < 0)
      values.push_back(outputs[constant.prepared]);
    else if (isAligned(parameters[constant.parameter]))
      values.push_back(parameters[constant.parameter]);
    else {
      uint64_t bytes = constant.tensor.bytes;
      owned.push_back(allocate(bytes, "an aligned copy of a parameter"));
      values.push_back(
          memcpy(owned.back().get(), parameters[constant.parameter], bytes));
    }
  }
  workspaces.clear(); // they hold the old addresses
  constants = std::move(values);
  constantMemory = std::move(owned);
  prepared = true;
}

void Model::requirePrepared() const {
  if (!prepared)
    fail(FAIRWAY_NOT_PREPARED, "the model has no weights yet: set its "
                               "parameters and prepare it first");
}

const void *Model::constant(size_t index) const {
  if (index >= description.num_constants)
    fail(FAIRWAY_INVALID_ARGUMENT,
         "there is no constant " + std::to_string(index));
  requirePrepared();
  return constants[index];
}

void Model::checkBuffers(const void *const *inputs, size_t numInputs,
                         void *const *outputs, size_t numOutputs) const {
  const fairway_artefact_t &a = description;
  checkCount(numInputs, a.num_inputs, "input");
  checkCount(numOutputs, a.num_outputs, "output");
  checkPointers(inputs, a.inputs, numInputs, "input");
  checkPointers(outputs, a.outputs, numOutputs, "output");
  for (size_t o = 0; o < numOutputs; ++o) {
    auto clash = [&](const void *other, const fairway_tensor_desc &tensor,
                     const char *what) {
      if (overlap(outputs[o], a.outputs[o].bytes, other, tensor.bytes))
        fail(FAIRWAY_INVALID_ARGUMENT, "output " + quoted(a.outputs[o]) +
                                           " overlaps " + what + " " +
                                           quoted(tensor));
    };
    for (size_t i = 0; i < numInputs; ++i)
      clash(inputs[i], a.inputs[i], "input");
    for (size_t other = 0; other < o; ++other)
      clash(outputs[other], a.outputs[other], "output");
  }
}

std::unique_ptr<Model::Workspace> Model::takeWorkspace() {
  {
    std::lock_guard<std::mutex> lock(ThreadPool::mutex());
    if (!workspaces.empty()) {
      std::unique_ptr<Workspace> last = std::move(workspaces.back());
      workspaces.pop_back();
      return last;
    }
  }
  return std::make_unique<Workspace>(*this);
}

void Model::run(const void *const *inputs, size_t numInputs,
                void *const *outputs, size_t numOutputs, unsigned threads,
                double *seconds) {
  requirePrepared();
  checkBuffers(inputs, numInputs, outputs, numOutputs);
  std::unique_ptr<Workspace> space = takeWorkspace();

  for (size_t i = 0; i < numInputs; ++i) {
    uint64_t bytes = description.inputs[i].bytes;
    space->inputs[i] =
        isAligned(inputs[i])
            ? inputs[i]
            : memcpy(space->inputCopies.place(i, bytes), inputs[i], bytes);
  }
  for (size_t i = 0; i < numOutputs; ++i)
    space->outputs[i] =
        isAligned(outputs[i])
            ? outputs[i]
            : space->outputCopies.place(i, description.outputs[i].bytes);

  space->context.run(space->inputs.data(), space->outputs.data(),
                     resolveThreads(threads), seconds);

  for (size_t i = 0; i < numOutputs; ++i)
    if (space->outputs[i] != outputs[i])
      memcpy(outputs[i], space->outputs[i], description.outputs[i].bytes);

  std::lock_guard<std::mutex> lock(ThreadPool::mutex());
  workspaces.push_back(std::move(space));
}
