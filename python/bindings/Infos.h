//===- Infos.h - a model's description for Python ---------------*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_PYTHON_BINDINGS_INFOS_H
#define FAIRWAY_PYTHON_BINDINGS_INFOS_H

#include "fairway/Runtime/runtime.h"

#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace fairway::python {

namespace nb = nanobind;

struct TensorInfo {
  std::string name;
  std::string dtype;
  nb::tuple shape;
  uint64_t nbytes;

  explicit TensorInfo(const fairway_tensor_desc &desc)
      : TensorInfo(desc, extentsOf(desc)) {}
  TensorInfo(const fairway_tensor_desc &desc, const nb::list &extents)
      : name(desc.name), dtype(fairway_dtype_name(desc.dtype)),
        shape(nb::tuple(extents)), nbytes(desc.bytes) {}

  static nb::list extentsOf(const fairway_tensor_desc &desc) {
    nb::list extents;
    for (uint32_t i = 0; i < desc.rank; ++i)
      extents.append(desc.shape[i]);
    return extents;
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
    static const char *const names[] = {"arena", "input", "output", "constant",
                                        "sizes"};
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

/// The inputs (FAIRWAY_INPUT_EXTENT) or outputs (FAIRWAY_OUTPUT_EXTENT). An
/// extent that varies is the text of its expression.
std::vector<TensorInfo> tensorInfos(const fairway_artefact_t &artefact,
                                    fairway_field field);

std::vector<StepInfo> stepInfos(const fairway_plan &plan);

/// Creates the classes of these structures.
void bindInfos(nb::module_ &module);

} // namespace fairway::python

#endif // FAIRWAY_PYTHON_BINDINGS_INFOS_H
