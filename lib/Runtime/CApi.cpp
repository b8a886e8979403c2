//===- CApi.cpp - the C interface -----------------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Affinity.h"
#include "CpuFeatures.h"
#include "Dtype.h"
#include "Failure.h"
#include "Model.h"

#include <cstring>
#include <new>

using namespace fairway::runtime;

struct fairway_model : Model {
  using Model::Model;
};

struct fairway_binding {
  fairway_model &model;
  std::shared_ptr<const Instance> instance;
};

namespace {

thread_local std::string lastError;

/// Runs `body` and turns its exceptions into a status and a message.
template <typename Body> fairway_status guarded(Body body) noexcept {
  try {
    body();
    return FAIRWAY_OK;
  } catch (Failure &failure) {
    lastError = std::move(failure.message);
    return failure.status;
  } catch (const std::bad_alloc &) {
    lastError.clear();
    lastError.append("out of memory"); // short enough to need none
    return FAIRWAY_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    lastError = error.what();
    return FAIRWAY_SYSTEM_ERROR;
  }
}

void requirePointer(const void *pointer, const char *what) {
  if (!pointer)
    fail(FAIRWAY_INVALID_ARGUMENT, std::string(what) + " is NULL");
}

const fairway_tensor_desc *tensorAt(const fairway_tensor_desc *tensors,
                                    uint32_t count, size_t index) {
  return index < count ? &tensors[index] : nullptr;
}

int64_t findTensor(const fairway_tensor_desc *tensors, uint32_t count,
                   const char *name) {
  for (uint32_t i = 0; name && i < count; ++i)
    if (strcmp(tensors[i].name, name) == 0)
      return i;
  return -1;
}

void checkSteps(const fairway_model &model, const double *seconds,
                size_t numSteps) {
  requirePointer(seconds, "the place for the times");
  if (numSteps != model.artefact().run.num_steps)
    fail(FAIRWAY_INVALID_ARGUMENT, "the model's plan has another number of "
                                   "steps than was given");
}

} // namespace

extern "C" {

const char *fairway_runtime_version(void) { return FAIRWAY_VERSION; }

const char *fairway_last_error(void) { return lastError.c_str(); }

const char *fairway_status_name(int status) {
  switch (status) {
#define CASE(name)                                                             \
  case name:                                                                   \
    return #name;
    CASE(FAIRWAY_OK)
    CASE(FAIRWAY_INVALID_ARGUMENT)
    CASE(FAIRWAY_FILE_NOT_FOUND)
    CASE(FAIRWAY_NOT_AN_ARTEFACT)
    CASE(FAIRWAY_TRUNCATED)
    CASE(FAIRWAY_WRONG_ARCHITECTURE)
    CASE(FAIRWAY_WRONG_ABI)
    CASE(FAIRWAY_MISSING_CPU_FEATURE)
    CASE(FAIRWAY_CORRUPT)
    CASE(FAIRWAY_NOT_PREPARED)
    CASE(FAIRWAY_OUT_OF_MEMORY)
    CASE(FAIRWAY_SYSTEM_ERROR)
#undef CASE
  default:
    return "unknown status";
  }
}

size_t fairway_dtype_bytes(uint32_t dtype) {
  const DtypeInfo *info = dtypeInfo(dtype);
  return info ? info->bytes : 0;
}

const char *fairway_dtype_name(uint32_t dtype) {
  const DtypeInfo *info = dtypeInfo(dtype);
  return info ? info->name : nullptr;
}

unsigned fairway_default_threads(void) { return usableCores(callerCpus()); }

int fairway_cpu_has_feature(const char *name) {
  Feature feature = name ? cpuFeature(name) : Feature::Unknown;
  return feature == Feature::Unknown ? -1 : feature == Feature::Present;
}

fairway_status fairway_model_load(const char *path, fairway_model **model) {
  if (model)
    *model = nullptr;
  return guarded([&] {
    requirePointer(path, "the path");
    requirePointer(model, "the place for the model");
    Library library = openArtefact(path);
    const fairway_artefact_t &artefact = findArtefact(library, path);
    *model = new fairway_model(std::move(library), artefact, path);
  });
}

fairway_status fairway_model_create(const fairway_artefact_t *artefact,
                                    fairway_model **model) {
  if (model)
    *model = nullptr;
  return guarded([&] {
    requirePointer(artefact, "the artefact");
    requirePointer(model, "the place for the model");
    *model = new fairway_model(nullptr, *artefact, "artefact");
  });
}

void fairway_model_destroy(fairway_model *model) { delete model; }

const fairway_artefact_t *fairway_model_artefact(const fairway_model *model) {
  return &model->artefact();
}

const fairway_tensor_desc *fairway_model_input(const fairway_model *model,
                                               size_t index) {
  const fairway_artefact_t &a = model->artefact();
  return tensorAt(a.inputs, a.num_inputs, index);
}

const fairway_tensor_desc *fairway_model_output(const fairway_model *model,
                                                size_t index) {
  const fairway_artefact_t &a = model->artefact();
  return tensorAt(a.outputs, a.num_outputs, index);
}

const fairway_tensor_desc *fairway_model_parameter(const fairway_model *model,
                                                   size_t index) {
  const fairway_artefact_t &a = model->artefact();
  return tensorAt(a.parameters, a.num_parameters, index);
}

int64_t fairway_model_find_input(const fairway_model *model, const char *name) {
  const fairway_artefact_t &a = model->artefact();
  return findTensor(a.inputs, a.num_inputs, name);
}

int64_t fairway_model_find_output(const fairway_model *model,
                                  const char *name) {
  const fairway_artefact_t &a = model->artefact();
  return findTensor(a.outputs, a.num_outputs, name);
}

int64_t fairway_model_find_parameter(const fairway_model *model,
                                     const char *name) {
  const fairway_artefact_t &a = model->artefact();
  return findTensor(a.parameters, a.num_parameters, name);
}

int fairway_model_has_weights(const fairway_model *model) {
  return model->artefact().weights != nullptr;
}

int fairway_model_is_prepared(const fairway_model *model) {
  return model->isPrepared();
}

fairway_status fairway_model_set_parameters(fairway_model *model,
                                            const void *const *parameters,
                                            size_t count) {
  return guarded([&] {
    requirePointer(model, "the model");
    model->setParameters(parameters, count);
  });
}

fairway_status fairway_model_prepare(fairway_model *model, unsigned threads) {
  return guarded([&] {
    requirePointer(model, "the model");
    model->prepare(threads);
  });
}

fairway_status fairway_model_constant(const fairway_model *model, size_t index,
                                      const void **data) {
  return guarded([&] {
    requirePointer(model, "the model");
    requirePointer(data, "the place for the address");
    *data = model->constant(index);
  });
}

fairway_status fairway_model_run(fairway_model *model,
                                 const void *const *inputs, size_t num_inputs,
                                 void *const *outputs, size_t num_outputs,
                                 unsigned threads) {
  return guarded([&] {
    requirePointer(model, "the model");
    model->run(model->whole(), inputs, num_inputs, outputs, num_outputs,
               threads, nullptr);
  });
}

fairway_status fairway_model_profile(fairway_model *model,
                                     const void *const *inputs,
                                     size_t num_inputs, void *const *outputs,
                                     size_t num_outputs, unsigned threads,
                                     double *seconds, size_t num_steps) {
  return guarded([&] {
    requirePointer(model, "the model");
    checkSteps(*model, seconds, num_steps);
    model->run(model->whole(), inputs, num_inputs, outputs, num_outputs,
               threads, seconds);
  });
}

fairway_status fairway_model_find_sizes(const fairway_model *model,
                                        const int64_t *const *shapes,
                                        size_t num_inputs, int64_t *sizes,
                                        size_t num_sizes) {
  return guarded([&] {
    requirePointer(model, "the model");
    model->sizeFinder().find(shapes, num_inputs, sizes, num_sizes);
  });
}

fairway_status fairway_model_bind(fairway_model *model, const int64_t *sizes,
                                  size_t num_sizes, fairway_binding **binding) {
  if (binding)
    *binding = nullptr;
  return guarded([&] {
    requirePointer(model, "the model");
    requirePointer(binding, "the place for the binding");
    *binding = new fairway_binding{*model, model->bind(sizes, num_sizes)};
  });
}

void fairway_binding_destroy(fairway_binding *binding) { delete binding; }

const fairway_artefact_t *
fairway_binding_artefact(const fairway_binding *binding) {
  return &binding->instance->artefact();
}

fairway_status fairway_binding_run(const fairway_binding *binding,
                                   const void *const *inputs, size_t num_inputs,
                                   void *const *outputs, size_t num_outputs,
                                   unsigned threads) {
  return guarded([&] {
    requirePointer(binding, "the binding");
    binding->model.run(binding->instance, inputs, num_inputs, outputs,
                       num_outputs, threads, nullptr);
  });
}

fairway_status fairway_binding_profile(const fairway_binding *binding,
                                       const void *const *inputs,
                                       size_t num_inputs, void *const *outputs,
                                       size_t num_outputs, unsigned threads,
                                       double *seconds, size_t num_steps) {
  return guarded([&] {
    requirePointer(binding, "the binding");
    checkSteps(binding->model, seconds, num_steps);
    binding->model.run(binding->instance, inputs, num_inputs, outputs,
                       num_outputs, threads, seconds);
  });
}

} // extern "C"
