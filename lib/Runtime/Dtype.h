//===- Dtype.h - element types ----------------------------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_RUNTIME_DTYPE_H
#define FAIRWAY_LIB_RUNTIME_DTYPE_H

#include "fairway/Runtime/artefact.h"

#include <cstddef>

namespace fairway::runtime {

struct DtypeInfo {
  const char *name;
  size_t bytes;
};

/// NumPy's name and the size of an element type; nullptr for other numbers.
inline const DtypeInfo *dtypeInfo(uint32_t dtype) {
  static constexpr DtypeInfo infos[] = {
      {"bool", 1},    {"int8", 1},    {"int16", 2},    {"int32", 4},
      {"int64", 8},   {"uint8", 1},   {"uint16", 2},   {"uint32", 4},
      {"uint64", 8},  {"float16", 2}, {"bfloat16", 2}, {"float32", 4},
      {"float64", 8},
  };
  return dtype < sizeof infos / sizeof *infos ? &infos[dtype] : nullptr;
}

} // namespace fairway::runtime

#endif // FAIRWAY_LIB_RUNTIME_DTYPE_H
