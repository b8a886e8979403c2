//===- Failure.h - errors inside the runtime --------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inside the library errors are exceptions of this one type; the C functions
// turn them into a status and the calling thread's message.
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_FAILURE_H
#define FAIRWAY_LIB_RUNTIME_FAILURE_H

#include "fairway/Runtime/runtime.h"

#include <string>
#include <utility>

namespace fairway::runtime {

struct Failure {
  fairway_status status;
  std::string message;
};

[[noreturn]] inline void fail(fairway_status status, std::string message) {
  throw Failure{status, std::move(message)};
}

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_FAILURE_H
