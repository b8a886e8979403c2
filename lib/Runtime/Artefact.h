//===- Artefact.h - a compiled model in memory ------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_ARTEFACT_H
#define FAIRWAY_LIB_RUNTIME_ARTEFACT_H

#include "fairway/Runtime/artefact.h"

#include <memory>
#include <string>

namespace fairway::runtime {

/// A shared library that was loaded with dlopen.
struct CloseLibrary {
  void operator()(void *handle) const;
};
using Library = std::unique_ptr<void, CloseLibrary>;

/// Checks the file and loads it. Throws a Failure.
Library openArtefact(const std::string &path);

/// The description in a loaded library; not checked yet.
const fairway_artefact_t &findArtefact(const Library &library,
                                       const std::string &path);

/// Throws a Failure unless this runtime and this CPU can run the artefact and
/// its description is consistent. `name` is for messages.
void checkArtefact(const fairway_artefact_t &artefact, const std::string &name);

/// Throws a Failure unless the inputs, outputs and run plan of a description
/// whose other parts were checked before are consistent.
void checkRun(const fairway_artefact_t &artefact, const std::string &name);

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_ARTEFACT_H
