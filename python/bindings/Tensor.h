//===- Tensor.h - Python's tensors as the runtime sees them -----*- C++ -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_PYTHON_BINDINGS_TENSOR_H
#define FAIRWAY_PYTHON_BINDINGS_TENSOR_H

#include "fairway/Runtime/runtime.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>

namespace fairway::python {

namespace nb = nanobind;

/// Creates `_runtime.Error`, a RuntimeError with an attribute `code`.
void bindError(nb::module_ &module);

/// Raises `_runtime.Error`.
[[noreturn]] void raise(fairway_status code, const std::string &message);

/// Raises the calling thread's last runtime error unless `status` is OK.
inline void check(fairway_status status) {
  if (status != FAIRWAY_OK)
    raise(status, fairway_last_error());
}

/// A tensor that is kept alive and may only be read.
using ReadOnlyTensor = nb::ndarray<nb::ro>;

/// Which of a tensor's extents must be what its description says.
enum class Extents { All, None };

/// The tensor `object` (anything with DLPack or the buffer protocol) as what
/// `desc` describes. Not copied unless it is not contiguous; then the copy is
/// what is returned. Raises an Error naming `role` ("input") and the tensor
/// if it is no CPU tensor of the right rank, `extents` and element type.
/// bfloat16 may also come as uint16 holding the bits.
ReadOnlyTensor readTensor(nb::handle object, const fairway_tensor_desc &desc,
                          const char *role, Extents extents = Extents::All);

/// Likewise for a tensor to write to, which must be contiguous.
nb::ndarray<> writableTensor(nb::handle object, const fairway_tensor_desc &desc,
                             const char *role);

/// A new uninitialised NumPy array in memory of its own, aligned as kernels
/// like it. bfloat16, which NumPy lacks, becomes uint16. `data` receives the
/// address.
nb::object newArray(const fairway_tensor_desc &desc, void *&data);

/// A read-only NumPy array over `data`, which lives as long as `owner`.
nb::object viewArray(const fairway_tensor_desc &desc, const void *data,
                     nb::handle owner);

} // namespace fairway::python

#endif // FAIRWAY_PYTHON_BINDINGS_TENSOR_H
