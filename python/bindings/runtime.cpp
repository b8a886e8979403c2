//===- runtime.cpp - fairway._runtime, the runtime for Python -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C interface as one class. Signatures and documentation for users are in
// python/fairway/_runtime.pyi.
//
//===----------------------------------------------------------------------===//
#include "Tensor.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

using namespace fairway::python;

namespace {

struct TensorInfo {
  std::string name;
  std::string dtype;
  nb::tuple shape;
  uint64_t nbytes;

  explicit TensorInfo(const fairway_tensor_desc &desc)
      : name(desc.name), dtype(fairway_dtype_name(desc.dtype)),
        nbytes(desc.bytes) {
    nb::list extents;
    for (uint32_t i = 0; i < desc.rank; ++i)
      extents.append(desc.shape[i]);
    shape = nb::tuple(extents);
  }

  std::string repr() const {
    return "TensorInfo(name='" + name + "', dtype='" + dtype +
           "', shape=" + nb::cast<std::string>(nb::str(shape)) +
           ", nbytes=" + std::to_string(nbytes) + ")";
  }
};

struct BufferInfo {
  std::string space;
  uint32_t index;
  uint64_t offset, nbytes;
  bool written;
  std::optional<std::tuple<uint32_t, uint32_t>> lifetime;

  explicit BufferInfo(const fairway_buffer_ref &ref)
      : space(spaceName(ref.space)), index(ref.index), offset(ref.offset),
        nbytes(ref.bytes), written(ref.flags & FAIRWAY_BUFFER_WRITTEN) {
    if (ref.space == FAIRWAY_SPACE_ARENA)
      lifetime.emplace(ref.first_step, ref.last_step);
  }

  static const char *spaceName(uint32_t space) {
    static const char *const names[] = {"arena", "input", "output", "constant"};
    return names[space];
  }

  std::string repr() const {
    return "BufferInfo(space='" + space + "', index=" + std::to_string(index) +
           ", offset=" + std::to_string(offset) +
           ", nbytes=" + std::to_string(nbytes) + ")";
  }
};

struct StepInfo {
  std::string name;
  uint64_t tiles, flops, bytes;
  bool barrier;
  std::vector<BufferInfo> buffers;
  std::vector<std::tuple<uint64_t, uint64_t>> dimensions;
  std::string config;

  explicit StepInfo(const fairway_step &step)
      : name(step.name), tiles(step.tiles), flops(step.flops),
        bytes(step.bytes), barrier(step.flags & FAIRWAY_STEP_BARRIER),
        buffers(step.buffers, step.buffers + step.num_buffers),
        config(step.config ? step.config : "") {
    for (uint32_t i = 0; i < step.num_dimensions; ++i)
      dimensions.emplace_back(step.dimensions[i].extent,
                              step.dimensions[i].tile);
  }

  std::string repr() const {
    return "StepInfo(name='" + name + "', tiles=" + std::to_string(tiles) +
           ", flops=" + std::to_string(flops) +
           ", bytes=" + std::to_string(bytes) + ")";
  }
};

unsigned threadCount(int threads) {
  if (threads < 0)
    raise(FAIRWAY_INVALID_ARGUMENT,
          "threads must be 0 (automatic) or more, not " +
              std::to_string(threads));
  return unsigned(threads);
}

void checkCount(size_t given, size_t needed, const std::string &what) {
  if (given != needed)
    raise(FAIRWAY_INVALID_ARGUMENT, "the model has " + std::to_string(needed) +
                                        " " + what + (needed == 1 ? "" : "s") +
                                        ", " + std::to_string(given) +
                                        " given");
}

class Model {
public:
  explicit Model(const std::string &path) {
    fairway_model *loaded = nullptr;
    fairway_status status;
    {
      nb::gil_scoped_release release;
      status = fairway_model_load(path.c_str(), &loaded);
    }
    check(status);
    model.reset(loaded);
    artefact = fairway_model_artefact(loaded);
  }

  static std::vector<TensorInfo> infos(const fairway_tensor_desc *tensors,
                                       uint32_t count) {
    return std::vector<TensorInfo>(tensors, tensors + count);
  }
  auto inputs() const { return infos(artefact->inputs, artefact->num_inputs); }
  auto outputs() const {
    return infos(artefact->outputs, artefact->num_outputs);
  }
  auto parameters() const {
    return infos(artefact->parameters, artefact->num_parameters);
  }
  std::vector<std::tuple<TensorInfo, uint64_t>> constantsInfo() const {
    std::vector<std::tuple<TensorInfo, uint64_t>> result;
    for (uint32_t i = 0; i < artefact->num_constants; ++i)
      result.emplace_back(TensorInfo(artefact->constants[i].tensor),
                          artefact->constants[i].offset);
    return result;
  }
  static std::vector<StepInfo> stepInfos(const fairway_plan &plan) {
    return std::vector<StepInfo>(plan.steps, plan.steps + plan.num_steps);
  }

  bool hasWeights() const { return fairway_model_has_weights(model.get()); }
  bool isPrepared() const { return fairway_model_is_prepared(model.get()); }
  nb::bytes metadata() const {
    return nb::bytes(artefact->metadata, artefact->metadata_bytes);
  }
  const fairway_artefact_t &description() const { return *artefact; }

  void setParameters(const std::vector<nb::object> &objects) {
    checkCount(objects.size(), artefact->num_parameters, "parameter");
    std::vector<std::optional<ReadOnlyTensor>> tensors;
    std::vector<const void *> pointers;
    for (size_t i = 0; i < objects.size(); ++i) {
      tensors.push_back(
          readTensor(objects[i], artefact->parameters[i], "parameter"));
      pointers.push_back(tensors.back()->data());
    }
    check(fairway_model_set_parameters(model.get(), pointers.data(),
                                       pointers.size()));
    newParameters = std::move(tensors);
  }

  void prepare(int threads) {
    unsigned count = threadCount(threads);
    fairway_status status;
    {
      nb::gil_scoped_release release;
      status = fairway_model_prepare(model.get(), count);
    }
    check(status);
    // Only those that constants refer to are still needed. A repeated prepare
    // needs the others too, so the caller has to set them again.
    std::vector<bool> needed(artefact->num_parameters);
    for (uint32_t i = 0; i < artefact->num_constants; ++i)
      if (artefact->constants[i].parameter >= 0)
        needed[artefact->constants[i].parameter] = true;
    for (size_t i = 0; i < newParameters.size(); ++i)
      if (!needed[i])
        newParameters[i].reset();
    if (!newParameters.empty())
      keptParameters = std::move(newParameters);
    newParameters.clear();
  }

  nb::object constantView(size_t index) {
    const void *data = nullptr;
    check(fairway_model_constant(model.get(), index, &data));
    return viewArray(artefact->constants[index].tensor, data, nb::find(this));
  }

  std::vector<nb::object> run(const std::vector<nb::object> &inputObjects,
                              std::optional<std::vector<nb::object>> results,
                              int threads, double *seconds = nullptr) {
    unsigned count = threadCount(threads);
    checkCount(inputObjects.size(), artefact->num_inputs, "input");
    std::vector<ReadOnlyTensor> tensors; // kept alive during the run
    std::vector<const void *> inputPointers;
    for (size_t i = 0; i < inputObjects.size(); ++i) {
      tensors.push_back(
          readTensor(inputObjects[i], artefact->inputs[i], "input"));
      inputPointers.push_back(tensors.back().data());
    }

    std::vector<nb::ndarray<>> written;
    std::vector<void *> outputPointers;
    if (results) {
      checkCount(results->size(), artefact->num_outputs, "output");
      for (size_t i = 0; i < results->size(); ++i) {
        written.push_back(
            writableTensor((*results)[i], artefact->outputs[i], "output"));
        outputPointers.push_back(written.back().data());
      }
    } else {
      results.emplace();
      for (uint32_t i = 0; i < artefact->num_outputs; ++i) {
        void *data = nullptr;
        results->push_back(newArray(artefact->outputs[i], data));
        outputPointers.push_back(data);
      }
    }

    fairway_status status;
    {
      nb::gil_scoped_release release;
      status =
          seconds
              ? fairway_model_profile(
                    model.get(), inputPointers.data(), inputPointers.size(),
                    outputPointers.data(), outputPointers.size(), count,
                    seconds, artefact->run.num_steps)
              : fairway_model_run(model.get(), inputPointers.data(),
                                  inputPointers.size(), outputPointers.data(),
                                  outputPointers.size(), count);
    }
    check(status);
    return std::move(*results);
  }

  std::vector<double> profile(const std::vector<nb::object> &inputObjects,
                              int threads) {
    // One more, so that the address is valid for an empty plan too.
    std::vector<double> seconds(artefact->run.num_steps + 1);
    run(inputObjects, std::nullopt, threads, seconds.data());
    seconds.pop_back();
    return seconds;
  }

private:
  struct Destroy {
    void operator()(fairway_model *model) const {
      fairway_model_destroy(model);
    }
  };
  // Declared before the model: the parameters outlive it.
  std::vector<std::optional<ReadOnlyTensor>> newParameters;
  std::vector<std::optional<ReadOnlyTensor>> keptParameters;
  std::unique_ptr<fairway_model, Destroy> model;
  const fairway_artefact_t *artefact = nullptr;
};

void bindStatus(nb::module_ &module) {
  nb::enum_<fairway_status>(module, "Status", nb::is_arithmetic())
      .value("OK", FAIRWAY_OK)
      .value("INVALID_ARGUMENT", FAIRWAY_INVALID_ARGUMENT)
      .value("FILE_NOT_FOUND", FAIRWAY_FILE_NOT_FOUND)
      .value("NOT_AN_ARTEFACT", FAIRWAY_NOT_AN_ARTEFACT)
      .value("TRUNCATED", FAIRWAY_TRUNCATED)
      .value("WRONG_ARCHITECTURE", FAIRWAY_WRONG_ARCHITECTURE)
      .value("WRONG_ABI", FAIRWAY_WRONG_ABI)
      .value("MISSING_CPU_FEATURE", FAIRWAY_MISSING_CPU_FEATURE)
      .value("CORRUPT", FAIRWAY_CORRUPT)
      .value("NOT_PREPARED", FAIRWAY_NOT_PREPARED)
      .value("OUT_OF_MEMORY", FAIRWAY_OUT_OF_MEMORY)
      .value("SYSTEM_ERROR", FAIRWAY_SYSTEM_ERROR);
}

void bindInfos(nb::module_ &module) {
  nb::class_<TensorInfo>(module, "TensorInfo")
      .def_ro("name", &TensorInfo::name)
      .def_ro("dtype", &TensorInfo::dtype)
      .def_ro("shape", &TensorInfo::shape)
      .def_ro("nbytes", &TensorInfo::nbytes)
      .def("__repr__", &TensorInfo::repr);
  nb::class_<BufferInfo>(module, "BufferInfo")
      .def_ro("space", &BufferInfo::space)
      .def_ro("index", &BufferInfo::index)
      .def_ro("offset", &BufferInfo::offset)
      .def_ro("nbytes", &BufferInfo::nbytes)
      .def_ro("written", &BufferInfo::written)
      .def_ro("lifetime", &BufferInfo::lifetime)
      .def("__repr__", &BufferInfo::repr);
  nb::class_<StepInfo>(module, "StepInfo")
      .def_ro("name", &StepInfo::name)
      .def_ro("tiles", &StepInfo::tiles)
      .def_ro("flops", &StepInfo::flops)
      .def_ro("bytes", &StepInfo::bytes)
      .def_ro("barrier", &StepInfo::barrier)
      .def_ro("buffers", &StepInfo::buffers)
      .def_ro("dimensions", &StepInfo::dimensions)
      .def_ro("config", &StepInfo::config)
      .def("__repr__", &StepInfo::repr);
}

void bindModel(nb::module_ &module) {
  nb::class_<Model>(module, "Model")
      .def(nb::init<const std::string &>(), nb::arg("path"))
      .def_prop_ro("inputs", &Model::inputs)
      .def_prop_ro("outputs", &Model::outputs)
      .def_prop_ro("parameters", &Model::parameters)
      .def_prop_ro("constants_info", &Model::constantsInfo)
      .def_prop_ro(
          "steps",
          [](const Model &m) { return Model::stepInfos(m.description().run); })
      .def_prop_ro("prepare_steps",
                   [](const Model &m) {
                     return Model::stepInfos(m.description().prepare);
                   })
      .def_prop_ro("has_weights", &Model::hasWeights)
      .def_prop_ro("is_prepared", &Model::isPrepared)
      .def_prop_ro("metadata", &Model::metadata)
      .def_prop_ro(
          "version",
          [](const Model &m) { return m.description().fairway_version; })
      .def_prop_ro("triple",
                   [](const Model &m) { return m.description().triple; })
      .def_prop_ro("cpu", [](const Model &m) { return m.description().cpu; })
      .def_prop_ro("features",
                   [](const Model &m) { return m.description().features; })
      .def_prop_ro(
          "arena_bytes",
          [](const Model &m) { return m.description().run.arena_bytes; })
      .def_prop_ro(
          "scratch_bytes",
          [](const Model &m) { return m.description().run.scratch_bytes; })
      .def("set_parameters", &Model::setParameters, nb::arg("parameters"))
      .def("prepare", &Model::prepare, nb::arg("threads") = 0)
      .def("constant_view", &Model::constantView, nb::arg("index"))
      .def(
          "run",
          [](Model &m, const std::vector<nb::object> &inputs,
             std::optional<std::vector<nb::object>> outputs, int threads) {
            return m.run(inputs, std::move(outputs), threads);
          },
          nb::arg("inputs"), nb::arg("outputs") = nb::none(),
          nb::arg("threads") = 0)
      .def("profile", &Model::profile, nb::arg("inputs"),
           nb::arg("threads") = 0);
}

} // namespace

NB_MODULE(_runtime, module) {
  // Who keeps a model until the process ends (torch.compile does) leaks nothing
  // that matters.
  nb::set_leak_warnings(false);
  module.attr("__doc__") = "Loads and runs compiled models: the bindings of "
                           "libfairway_runtime.";
  bindStatus(module);
  bindError(module);
  bindInfos(module);
  bindModel(module);
  module.attr("version") = fairway_runtime_version();
  module.def("default_threads", &fairway_default_threads);
  module.def(
      "cpu_has_feature",
      [](const std::string &name) -> std::optional<bool> {
        int present = fairway_cpu_has_feature(name.c_str());
        return present < 0 ? std::nullopt : std::optional<bool>(present);
      },
      nb::arg("name"));
}
