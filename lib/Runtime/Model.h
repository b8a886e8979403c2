//===- Model.h - a loaded model ---------------------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_MODEL_H
#define FAIRWAY_LIB_RUNTIME_MODEL_H

#include "Artefact.h"
#include "Schedule.h"

#include <memory>
#include <vector>

namespace fairway::runtime {

/// A model: an artefact, the values of its constants, and working memory that
/// calls take and give back. The rules for threads are those of runtime.h.
class Model {
public:
  /// Takes a library (may be null) and the artefact in it. Throws a Failure.
  Model(Library library, const fairway_artefact_t &artefact,
        const std::string &name);
  ~Model();

  const fairway_artefact_t &artefact() const { return description; }
  bool isPrepared() const { return prepared; }

  void setParameters(const void *const *values, size_t count);
  void prepare(unsigned threads);
  const void *constant(size_t index) const;
  void run(const void *const *inputs, size_t numInputs, void *const *outputs,
           size_t numOutputs, unsigned threads, double *seconds);

private:
  struct Workspace;

  void checkBuffers(const void *const *inputs, size_t numInputs,
                    void *const *outputs, size_t numOutputs) const;
  void requirePrepared() const;
  std::unique_ptr<Workspace> takeWorkspace();

  Library library;
  const fairway_artefact_t &description;
  Schedule runSchedule;
  Schedule prepareSchedule;

  std::vector<const void *> parameters;
  bool parametersSet = false;
  bool prepared = false;
  std::vector<const void *> constants; ///< addresses, once prepared
  std::vector<Memory> constantMemory;  ///< what of them the model owns

  /// Idle workspaces; guarded by ThreadPool::mutex().
  std::vector<std::unique_ptr<Workspace>> workspaces;
};

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_MODEL_H
