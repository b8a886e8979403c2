//===- Model.h - a loaded model ---------------------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_MODEL_H
#define FAIRWAY_LIB_RUNTIME_MODEL_H

#include "Artefact.h"
#include "Instance.h"
#include "Sizes.h"

#include <memory>
#include <vector>

namespace fairway::runtime {

/// A model: an artefact, the values of its constants, instances at the sizes of
/// recent calls, and working memory that calls take and give back. The rules
/// for threads are those of runtime.h.
class Model {
public:
  /// Takes a library (may be null) and the artefact in it. Throws a Failure.
  Model(Library library, const fairway_artefact_t &artefact, std::string name);
  ~Model();

  const fairway_artefact_t &artefact() const { return description; }
  bool isPrepared() const { return prepared; }

  void setParameters(const void *const *values, size_t count);
  void prepare(unsigned threads);
  const void *constant(size_t index) const;

  const SizeFinder &sizeFinder() const { return finder; }

  /// The model at `sizes`, made now unless they are those of a recent call.
  std::shared_ptr<const Instance> bind(const int64_t *sizes, size_t count);

  /// The only instance of a model that leaves no size open. Throws a Failure
  /// for other models.
  const std::shared_ptr<const Instance> &whole() const;

  /// Runs an instance of this model.
  void run(const std::shared_ptr<const Instance> &instance,
           const void *const *inputs, size_t numInputs, void *const *outputs,
           size_t numOutputs, unsigned threads, double *seconds);

  /// How many instances the model itself keeps.
  static constexpr size_t maxInstances = 16;

private:
  struct Workspace;

  void requirePrepared() const;
  /// Runs an instance whose buffers are checked.
  void runWhole(const std::shared_ptr<const Instance> &instance,
                const void *const *inputs, void *const *outputs,
                unsigned threads, double *seconds);
  /// The same in slices of the artefact's `sliced_size`.
  void runSliced(const Instance &instance, const void *const *inputs,
                 void *const *outputs, unsigned threads, double *seconds);
  std::shared_ptr<const Instance> findRecent(const std::vector<int64_t> &sizes);
  std::unique_ptr<Workspace>
  takeWorkspace(const std::shared_ptr<const Instance> &instance);

  Library library;
  std::string name;
  const fairway_artefact_t &description;
  SizeFinder finder;
  Schedule prepareSchedule;
  std::shared_ptr<const Instance> only; ///< null if sizes are open

  std::vector<const void *> parameters;
  bool parametersSet = false;
  bool prepared = false;
  std::vector<const void *> constants; ///< addresses, once prepared
  std::vector<Memory> constantMemory;  ///< what of them the model owns

  // Guarded by ThreadPool::mutex().
  std::vector<std::shared_ptr<const Instance>> recent; ///< latest use last
  std::vector<std::unique_ptr<Workspace>> workspaces;  ///< idle ones
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_MODEL_H
