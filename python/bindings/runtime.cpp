//===- runtime.cpp - fairway._runtime, the runtime for Python -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C interface as one class. Signatures and documentation for users are in
// python/fairway/_runtime.pyi.
//
//===----------------------------------------------------------------------===//
#include "Infos.h"
#include "Tensor.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

using namespace fairway::python;

namespace {

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

struct Destroy {
  void operator()(fairway_model *model) const { fairway_model_destroy(model); }
  void operator()(fairway_binding *binding) const {
    fairway_binding_destroy(binding);
  }
};

/// A model at certain sizes; must not outlive the model.
class Binding {
public:
  Binding(fairway_model *model, std::vector<int64_t> openSizes)
      : sizes(std::move(openSizes)) {
    fairway_binding *made = nullptr;
    check(fairway_model_bind(model, sizes.data(), sizes.size(), &made));
    binding.reset(made);
  }

  const fairway_binding *get() const { return binding.get(); }
  const fairway_artefact_t &description() const {
    return *fairway_binding_artefact(binding.get());
  }

  const std::vector<int64_t> sizes;

private:
  std::unique_ptr<fairway_binding, Destroy> binding;
};

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

  std::vector<TensorInfo> parameters() const {
    return std::vector<TensorInfo>(
        artefact->parameters, artefact->parameters + artefact->num_parameters);
  }
  std::vector<std::tuple<std::string, int64_t, std::optional<int64_t>>>
  sizes() const {
    std::vector<std::tuple<std::string, int64_t, std::optional<int64_t>>> list;
    for (uint32_t i = 0; i < artefact->num_sizes; ++i) {
      const fairway_size &size = artefact->sizes[i];
      std::optional<int64_t> maximum;
      if (size.maximum != INT64_MAX)
        maximum = size.maximum;
      list.emplace_back(size.name, size.minimum, maximum);
    }
    return list;
  }

  /// The model at `given` sizes, or at those of the description's example.
  std::unique_ptr<Binding> at(std::optional<std::vector<int64_t>> given) {
    if (!given) {
      std::vector<const int64_t *> shapes;
      for (uint32_t i = 0; i < artefact->num_inputs; ++i)
        shapes.push_back(artefact->inputs[i].shape);
      given = findSizes(shapes);
    }
    return std::make_unique<Binding>(model.get(), std::move(*given));
  }

  std::vector<std::tuple<TensorInfo, uint64_t>> constantsInfo() const {
    std::vector<std::tuple<TensorInfo, uint64_t>> result;
    for (uint32_t i = 0; i < artefact->num_constants; ++i)
      result.emplace_back(TensorInfo(artefact->constants[i].tensor),
                          artefact->constants[i].offset);
    return result;
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
    // Where sizes are open, they and the runtime decide what fits.
    bool open = artefact->num_sizes;
    std::vector<ReadOnlyTensor> tensors; // kept alive during the run
    std::vector<const void *> inputPointers;
    for (size_t i = 0; i < inputObjects.size(); ++i) {
      tensors.push_back(readTensor(inputObjects[i], artefact->inputs[i],
                                   "input",
                                   open ? Extents::None : Extents::All));
      inputPointers.push_back(tensors.back().data());
    }
    std::optional<Binding> binding;
    if (open) {
      std::vector<const int64_t *> shapes;
      for (const ReadOnlyTensor &tensor : tensors)
        shapes.push_back(tensor.shape_ptr());
      binding.emplace(model.get(), findSizes(shapes));
    }
    const fairway_tensor_desc *outputs =
        open ? binding->description().outputs : artefact->outputs;

    std::vector<nb::ndarray<>> written;
    std::vector<void *> outputPointers;
    if (results) {
      checkCount(results->size(), artefact->num_outputs, "output");
      for (size_t i = 0; i < results->size(); ++i) {
        written.push_back(writableTensor((*results)[i], outputs[i], "output"));
        outputPointers.push_back(written.back().data());
      }
    } else {
      results.emplace();
      for (uint32_t i = 0; i < artefact->num_outputs; ++i) {
        void *data = nullptr;
        results->push_back(newArray(outputs[i], data));
        outputPointers.push_back(data);
      }
    }

    auto compute = [&](auto run, auto profile, auto *subject) {
      return seconds
                 ? profile(subject, inputPointers.data(), inputPointers.size(),
                           outputPointers.data(), outputPointers.size(), count,
                           seconds, artefact->run.num_steps)
                 : run(subject, inputPointers.data(), inputPointers.size(),
                       outputPointers.data(), outputPointers.size(), count);
    };
    fairway_status status;
    {
      nb::gil_scoped_release release;
      status =
          open ? compute(fairway_binding_run, fairway_binding_profile,
                         binding->get())
               : compute(fairway_model_run, fairway_model_profile, model.get());
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
  std::vector<int64_t>
  findSizes(const std::vector<const int64_t *> &shapes) const {
    std::vector<int64_t> sizes(artefact->num_sizes);
    check(fairway_model_find_sizes(model.get(), shapes.data(), shapes.size(),
                                   sizes.data(), sizes.size()));
    return sizes;
  }

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

/// What a model and a model at certain sizes have in common.
template <typename Class> void bindDescription(nb::class_<Class> &binding) {
  binding
      .def_prop_ro("inputs",
                   [](const Class &m) {
                     return tensorInfos(m.description(), FAIRWAY_INPUT_EXTENT);
                   })
      .def_prop_ro("outputs",
                   [](const Class &m) {
                     return tensorInfos(m.description(), FAIRWAY_OUTPUT_EXTENT);
                   })
      .def_prop_ro(
          "steps",
          [](const Class &m) { return stepInfos(m.description().run); })
      .def_prop_ro(
          "arena_bytes",
          [](const Class &m) { return m.description().run.arena_bytes; })
      .def_prop_ro("scratch_bytes", [](const Class &m) {
        return m.description().run.scratch_bytes;
      });
}

void bindModel(nb::module_ &module) {
  nb::class_<Binding> binding(module, "Binding");
  bindDescription(binding);
  binding.def_ro("sizes", &Binding::sizes);

  nb::class_<Model> model(module, "Model");
  bindDescription(model);
  model.def(nb::init<const std::string &>(), nb::arg("path"))
      .def_prop_ro("sizes", &Model::sizes)
      .def("at", &Model::at, nb::arg("sizes") = nb::none(),
           nb::keep_alive<0, 1>())
      .def_prop_ro("parameters", &Model::parameters)
      .def_prop_ro("constants_info", &Model::constantsInfo)
      .def_prop_ro(
          "prepare_steps",
          [](const Model &m) { return stepInfos(m.description().prepare); })
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
