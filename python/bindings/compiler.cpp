//===- compiler.cpp - Python: compile and link ----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C API as it is; python/fairway/compiler.py gives it types and errors. The
// interpreter's lock is free while the compiler works.
//
//===----------------------------------------------------------------------===//
#include "fairway/CAPI/Compiler.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace nb = nanobind;

namespace {

/// A failure as Python gets it: (status, message, where, stage).
struct Failure {
  FairwayStatus status;
  FairwayError error{nullptr, nullptr, nullptr};

  Failure(FairwayStatus status, FairwayError &taken) : status(status) {
    std::swap(error, taken);
  }
  Failure(Failure &&other) noexcept : status(other.status) {
    std::swap(error, other.error);
  }
  ~Failure() { fairwayErrorFree(&error); }
};

PyObject *errorType = nullptr;

/// A message may quote what is no text: symbols of a damaged object, say.
nb::object readable(const char *text) {
  return nb::steal(PyUnicode_DecodeUTF8(text, strlen(text), "replace"));
}

void check(FairwayStatus status, FairwayError &error) {
  if (status == FairwayStatusOk)
    return;
  Failure failure(status, error);
  nb::object value = nb::make_tuple(
      int(failure.status), readable(failure.error.message),
      readable(failure.error.where), readable(failure.error.stage));
  PyErr_SetObject(errorType, value.ptr());
  throw nb::python_error();
}

MlirStringRef ref(const std::string &text) {
  return mlirStringRefCreate(text.data(), text.size());
}

void append(MlirStringRef text, void *userData) {
  static_cast<std::string *>(userData)->append(text.data, text.length);
}

/// Calls Python at each stage, and stops the compiler when that raises or when
/// the user has pressed Ctrl-C.
struct Progress {
  nb::object callback;
  std::optional<nb::python_error> raised;

  static bool call(MlirStringRef stage, void *userData) {
    auto *self = static_cast<Progress *>(userData);
    nb::gil_scoped_acquire lock;
    try {
      if (PyErr_CheckSignals())
        throw nb::python_error();
      if (!self->callback.is_none())
        self->callback(nb::str(stage.data, stage.length));
      return true;
    } catch (nb::python_error &error) {
      self->raised.emplace(std::move(error));
      return false;
    }
  }
};

/// What the caller asks for, in the C API's form.
struct Options {
  std::string triple, cpu, features, version, metadata, machine, configs;
  unsigned threads, optLevel;
  std::string dumpDir;

  FairwayCompileOptions refs() const {
    return {ref(triple),  ref(cpu),      ref(features), ref(dumpDir),
            ref(version), ref(metadata), ref(machine),  ref(configs),
            threads,      optLevel};
  }
};

/// Calls `work(options, progress, text, error)`, which writes to `text`, with
/// the interpreter's lock free.
template <typename Work>
std::string unlocked(const Options &given, nb::object callback, Work work) {
  FairwayCompileOptions options = given.refs();
  Progress progress{std::move(callback), std::nullopt};
  FairwayError error;
  FairwayStatus status;
  std::string text;
  {
    nb::gil_scoped_release unlock;
    status = work(options, progress, text, error);
  }
  if (progress.raised) {
    fairwayErrorFree(&error);
    throw std::move(*progress.raised);
  }
  check(status, error);
  return text;
}

nb::bytes compile(const std::string &module, const Options &options,
                  nb::object callback) {
  std::string object =
      unlocked(options, std::move(callback),
               [&](auto &given, auto &progress, auto &text, auto &error) {
                 return fairwayCompile(ref(module), &given, Progress::call,
                                       &progress, append, &text, &error);
               });
  return nb::bytes(object.data(), object.size());
}

std::string listVariants(const std::string &module, const Options &options,
                         unsigned count, nb::object callback) {
  return unlocked(options, std::move(callback),
                  [&](auto &given, auto &progress, auto &text, auto &error) {
                    return fairwayListVariants(ref(module), &given, count,
                                               Progress::call, &progress,
                                               append, &text, &error);
                  });
}

uint64_t linkShared(const std::vector<std::string> &objects,
                    const std::string &output, uint64_t weightsBytes) {
  std::vector<MlirStringRef> refs;
  for (const std::string &object : objects)
    refs.push_back(ref(object));
  FairwayError error;
  FairwayStatus status;
  uint64_t weightsOffset = 0;
  {
    nb::gil_scoped_release unlock;
    status = fairwayLinkShared(refs.data(), intptr_t(refs.size()), ref(output),
                               weightsBytes, &weightsOffset, &error);
  }
  check(status, error);
  return weightsOffset;
}

std::string describeMachine(const std::string &triple, const std::string &cpu,
                            const std::string &features,
                            const std::string &changes, bool host) {
  FairwayCompileOptions options{};
  options.triple = ref(triple);
  options.cpu = ref(cpu);
  options.features = ref(features);
  options.machine = ref(changes);
  FairwayError error;
  std::string description;
  FairwayStatus status =
      fairwayDescribeMachine(&options, host, append, &description, &error);
  check(status, error);
  return description;
}

} // namespace

NB_MODULE(_fairway, module) {
  module.doc() = "Fairway's compiler. Use fairway.compiler instead.";
  // Lives as long as the module, which is as long as the process.
  errorType = PyErr_NewExceptionWithDoc(
      "fairway.mlir._mlir_libs._fairway.Error",
      "Arguments: status, message, where, stage.", PyExc_RuntimeError, nullptr);
  module.attr("Error") = nb::borrow(errorType);

  nb::class_<Options>(module, "Options", "What to compile for.")
      .def(
          "__init__",
          [](Options *self, std::string triple, std::string cpu,
             std::string features, std::string version, std::string metadata,
             std::string machine, std::string configs, unsigned threads,
             unsigned optLevel, std::string dumpDir) {
            new (self) Options{std::move(triple),
                               std::move(cpu),
                               std::move(features),
                               std::move(version),
                               std::move(metadata),
                               std::move(machine),
                               std::move(configs),
                               threads,
                               optLevel,
                               std::move(dumpDir)};
          },
          nb::kw_only(), nb::arg("triple"), nb::arg("cpu"), nb::arg("features"),
          nb::arg("version"), nb::arg("metadata"), nb::arg("machine"),
          nb::arg("configs"), nb::arg("threads"), nb::arg("opt_level"),
          nb::arg("dump_dir"));
  module.def("compile", compile, nb::arg("module"), nb::arg("options"),
             nb::arg("progress").none(),
             "Compiles the text of a Program to an object file.");
  module.def("list_variants", listVariants, nb::arg("module"),
             nb::arg("options"), nb::arg("count"), nb::arg("progress").none(),
             "Lists the kernels of a Program with tilings to try, as JSON.");
  module.def("link_shared", linkShared, nb::arg("objects"), nb::arg("output"),
             nb::arg("weights_bytes"),
             "Links object files to a shared library; where its weights go.");
  module.def("describe_machine", describeMachine, nb::arg("triple"),
             nb::arg("cpu"), nb::arg("features"), nb::arg("changes"),
             nb::arg("host"), "What is known of a machine, as name=value ...");
  module.def(
      "host_cpu",
      [] {
        std::string name, features;
        fairwayHostCpuName(append, &name);
        fairwayHostCpuFeatures(append, &features);
        return nb::make_tuple(name, features);
      },
      "This machine's processor: its name and features as LLVM says them.");
}
