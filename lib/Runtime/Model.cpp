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

  /// An aligned place for `bytes` bytes, the same for each `index` while it is
  /// large enough.
  void *place(size_t index, uint64_t bytes) {
    copies[index].reserve(bytes, "an aligned copy of a tensor");
    return copies[index].get();
  }

private:
  std::vector<ReusableMemory> copies;
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

void checkBuffers(const fairway_artefact_t &a, const void *const *inputs,
                  size_t numInputs, void *const *outputs, size_t numOutputs) {
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

} // namespace

/// What one call of run needs.
struct Model::Workspace {
  explicit Workspace(const fairway_artefact_t &artefact)
      : inputCopies(artefact.num_inputs), outputCopies(artefact.num_outputs),
        inputs(artefact.num_inputs), outputs(artefact.num_outputs) {}

  std::shared_ptr<const Instance> instance; ///< what the context is ready for
  Context context;
  Staging inputCopies;
  Staging outputCopies;
  std::vector<const void *> inputs; ///< aligned
  std::vector<void *> outputs;      ///< aligned
};

Model::Model(Library lib, const fairway_artefact_t &artefact, std::string path)
    : library(std::move(lib)), name(std::move(path)),
      description((checkArtefact(artefact, name), artefact)), finder(artefact),
      prepareSchedule(artefact.prepare) {
  if (!artefact.num_sizes)
    only = std::make_shared<Instance>(artefact);
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
  if (!prepareSchedule.steps.empty()) {
    Context context;
    context.adopt(prepareSchedule, {}, nullptr);
    context.run(inputs.data(), outputs.data(), resolveThreads(threads),
                nullptr);
  }

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

const std::shared_ptr<const Instance> &Model::whole() const {
  if (!only) {
    std::string open;
    for (uint32_t i = 0; i < description.num_sizes; ++i)
      open += std::string(i ? ", '" : "'") + description.sizes[i].name + "'";
    fail(FAIRWAY_INVALID_ARGUMENT,
         "the model leaves " + open +
             " open: bind it to sizes and run the binding "
             "(fairway_model_find_sizes, fairway_model_bind)");
  }
  return only;
}

/// The instance at `sizes` that the model keeps, now its most recent; null if
/// there is none. ThreadPool::mutex() must be held.
std::shared_ptr<const Instance>
Model::findRecent(const std::vector<int64_t> &sizes) {
  auto found =
      std::find_if(recent.rbegin(), recent.rend(), [&](const auto &instance) {
        return instance->sizes() == sizes;
      });
  if (found == recent.rend())
    return nullptr;
  std::rotate(found.base() - 1, found.base(), recent.end());
  return recent.back();
}

std::shared_ptr<const Instance> Model::bind(const int64_t *sizes,
                                            size_t count) {
  checkSizes(description, sizes, count);
  if (only)
    return only;
  std::vector<int64_t> key(sizes, sizes + count);
  {
    std::lock_guard<std::mutex> lock(ThreadPool::mutex());
    if (auto known = findRecent(key))
      return known;
  }
  auto made = std::make_shared<const Instance>(description, key, name);
  std::shared_ptr<const Instance> oldest; // freed when the lock is not held
  std::lock_guard<std::mutex> lock(ThreadPool::mutex());
  if (auto known = findRecent(key)) // another thread was faster
    return known;
  if (recent.size() == maxInstances) {
    oldest = std::move(recent.front());
    recent.erase(recent.begin());
  }
  recent.push_back(made);
  return made;
}

/// Idle working memory, if possible some that the same instance used last.
std::unique_ptr<Model::Workspace>
Model::takeWorkspace(const std::shared_ptr<const Instance> &instance) {
  std::unique_ptr<Workspace> space;
  {
    std::lock_guard<std::mutex> lock(ThreadPool::mutex());
    auto found = std::find_if(
        workspaces.rbegin(), workspaces.rend(),
        [&](const auto &idle) { return idle->instance == instance; });
    if (found == workspaces.rend())
      found = workspaces.rbegin();
    if (!workspaces.empty()) {
      space = std::move(*found);
      workspaces.erase(found.base() - 1);
    }
  }
  if (!space)
    space = std::make_unique<Workspace>(description);
  if (space->instance != instance) {
    space->context.adopt(instance->schedule(), constants, instance->values());
    space->instance = instance;
  }
  return space;
}

void Model::run(const std::shared_ptr<const Instance> &instance,
                const void *const *inputs, size_t numInputs,
                void *const *outputs, size_t numOutputs, unsigned threads,
                double *seconds) {
  requirePrepared();
  checkBuffers(instance->artefact(), inputs, numInputs, outputs, numOutputs);
  const fairway_artefact_t &a = description;
  if (a.slice && instance->sizes()[a.sliced_size] > a.slice)
    runSliced(*instance, inputs, outputs, threads, seconds);
  else
    runWhole(instance, inputs, outputs, threads, seconds);
}

void Model::runSliced(const Instance &instance, const void *const *inputs,
                      void *const *outputs, unsigned threads, double *seconds) {
  const fairway_artefact_t &whole = instance.artefact();
  std::vector<int64_t> sizes = instance.sizes();
  int64_t &size = sizes[description.sliced_size];
  int64_t samples = size;
  size = std::min(description.slice, samples);
  std::shared_ptr<const Instance> slice = bind(sizes.data(), sizes.size());
  std::vector<const void *> in(whole.num_inputs);
  std::vector<void *> out(whole.num_outputs);
  std::vector<double> each(seconds ? whole.run.num_steps : 0);
  std::fill_n(seconds, each.size(), 0.0);
  for (int64_t start = 0; start < samples; start += size) {
    if (samples - start < size) {
      size = samples - start;
      slice = bind(sizes.data(), sizes.size());
    }
    const fairway_artefact_t &part = slice->artefact();
    for (uint32_t i = 0; i < whole.num_inputs; ++i) {
      // What does not depend on the size is there for every slice.
      uint64_t sample = whole.inputs[i].bytes == part.inputs[i].bytes
                            ? 0
                            : whole.inputs[i].bytes / uint64_t(samples);
      in[i] = static_cast<const unsigned char *>(inputs[i]) +
              sample * uint64_t(start);
    }
    for (uint32_t i = 0; i < whole.num_outputs; ++i)
      out[i] = static_cast<unsigned char *>(outputs[i]) +
               whole.outputs[i].bytes / uint64_t(samples) * uint64_t(start);
    runWhole(slice, in.data(), out.data(), threads,
             seconds ? each.data() : nullptr);
    for (size_t i = 0; i < each.size(); ++i)
      seconds[i] += each[i];
  }
}

void Model::runWhole(const std::shared_ptr<const Instance> &instance,
                     const void *const *inputs, void *const *outputs,
                     unsigned threads, double *seconds) {
  const fairway_artefact_t &a = instance->artefact();
  std::unique_ptr<Workspace> space = takeWorkspace(instance);

  for (size_t i = 0; i < a.num_inputs; ++i) {
    uint64_t bytes = a.inputs[i].bytes;
    space->inputs[i] =
        isAligned(inputs[i])
            ? inputs[i]
            : memcpy(space->inputCopies.place(i, bytes), inputs[i], bytes);
  }
  for (size_t i = 0; i < a.num_outputs; ++i)
    space->outputs[i] = isAligned(outputs[i])
                            ? outputs[i]
                            : space->outputCopies.place(i, a.outputs[i].bytes);

  space->context.run(space->inputs.data(), space->outputs.data(),
                     resolveThreads(threads), seconds);

  for (size_t i = 0; i < a.num_outputs; ++i)
    if (space->outputs[i] != outputs[i])
      memcpy(outputs[i], space->outputs[i], a.outputs[i].bytes);

  std::lock_guard<std::mutex> lock(ThreadPool::mutex());
  workspaces.push_back(std::move(space));
}
