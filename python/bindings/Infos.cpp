//===- Infos.cpp - a model's description for Python -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Infos.h"
#include "fairway/Support/ExpressionText.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

using namespace fairway::python;

std::vector<StepInfo> fairway::python::stepInfos(const fairway_plan &plan) {
  return std::vector<StepInfo>(plan.steps, plan.steps + plan.num_steps);
}

std::vector<TensorInfo>
fairway::python::tensorInfos(const fairway_artefact_t &artefact,
                             fairway_field field) {
  bool areInputs = field == FAIRWAY_INPUT_EXTENT;
  const fairway_tensor_desc *tensors =
      areInputs ? artefact.inputs : artefact.outputs;
  uint32_t count = areInputs ? artefact.num_inputs : artefact.num_outputs;
  std::vector<nb::list> extents;
  for (uint32_t i = 0; i < count; ++i)
    extents.push_back(TensorInfo::extentsOf(tensors[i]));
  for (uint64_t i = 0; i < artefact.num_varying; ++i)
    if (const fairway_varying &v = artefact.varying[i]; v.field == field)
      extents[v.index][v.part] =
          expressionText(artefact, artefact.expressions[v.expression]);
  std::vector<TensorInfo> infos;
  for (uint32_t i = 0; i < count; ++i)
    infos.emplace_back(tensors[i], extents[i]);
  return infos;
}

void fairway::python::bindInfos(nb::module_ &module) {
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
