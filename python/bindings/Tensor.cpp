//===- Tensor.cpp - Python's tensors as the runtime sees them -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Tensor.h"
#include "fairway/Support/AlignedMemory.h"

#include <nanobind/stl/string.h>

#include <cstdlib>
#include <vector>

using namespace fairway::python;
using nb::dlpack::dtype_code;

namespace {

PyObject *errorType = nullptr; // owned by the module

nb::dlpack::dtype dlpackType(uint32_t dtype) {
  dtype_code code;
  switch (dtype) {
  case FAIRWAY_BOOL:
    code = dtype_code::Bool;
    break;
  case FAIRWAY_INT8:
  case FAIRWAY_INT16:
  case FAIRWAY_INT32:
  case FAIRWAY_INT64:
    code = dtype_code::Int;
    break;
  case FAIRWAY_BFLOAT16:
    code = dtype_code::Bfloat;
    break;
  case FAIRWAY_FLOAT16:
  case FAIRWAY_FLOAT32:
  case FAIRWAY_FLOAT64:
    code = dtype_code::Float;
    break;
  default:
    code = dtype_code::UInt;
  }
  return {uint8_t(code), uint8_t(8 * fairway_dtype_bytes(dtype)), 1};
}

/// As `dlpackType`, with what NumPy knows instead of bfloat16.
nb::dlpack::dtype numpyType(uint32_t dtype) {
  return dlpackType(dtype == FAIRWAY_BFLOAT16 ? FAIRWAY_UINT16 : dtype);
}

std::string typeName(nb::dlpack::dtype type) {
  std::string bits = std::to_string(type.bits);
  switch (dtype_code(type.code)) {
  case dtype_code::Bool:
    return "bool";
  case dtype_code::Int:
    return "int" + bits;
  case dtype_code::UInt:
    return "uint" + bits;
  case dtype_code::Float:
    return "float" + bits;
  case dtype_code::Bfloat:
    return "bfloat" + bits;
  case dtype_code::Complex:
    return "complex" + bits;
  default:
    return "DLPack type " + std::to_string(type.code) + " of " + bits + " bits";
  }
}

std::string deviceName(int type) {
  switch (type) {
  case nb::device::cuda::value:
    return "a CUDA device";
  case nb::device::rocm::value:
    return "a ROCm device";
  case nb::device::metal::value:
    return "a Metal device";
  default:
    return "device type " + std::to_string(type);
  }
}

template <typename GetExtent> std::string tuple(size_t rank, GetExtent extent) {
  std::string text = "(";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? ", " : "") + std::to_string(extent(i));
  return text + (rank == 1 ? ",)" : ")");
}

[[noreturn]] void mismatch(const char *role, const fairway_tensor_desc &desc,
                           const std::string &what) {
  raise(FAIRWAY_INVALID_ARGUMENT,
        std::string(role) + " '" + desc.name + "' " + what);
}

template <typename Array>
void checkTensor(const Array &array, const fairway_tensor_desc &desc,
                 const char *role, Extents extents) {
  if (array.device_type() != nb::device::cpu::value)
    mismatch(role, desc,
             "is on " + deviceName(array.device_type()) +
                 ", the model runs on the CPU: move it there");
  if (array.dtype() != dlpackType(desc.dtype) &&
      array.dtype() != numpyType(desc.dtype))
    mismatch(role, desc,
             "has dtype " + typeName(array.dtype()) + ", the model needs " +
                 fairway_dtype_name(desc.dtype));
  if (extents == Extents::None) {
    if (array.ndim() != desc.rank)
      mismatch(role, desc,
               "has rank " + std::to_string(array.ndim()) +
                   ", the model needs " + std::to_string(desc.rank));
    return;
  }
  bool same = array.ndim() == desc.rank;
  for (size_t i = 0; same && i < desc.rank; ++i)
    same = int64_t(array.shape(i)) == desc.shape[i];
  if (!same)
    mismatch(role, desc,
             "has shape " +
                 tuple(array.ndim(), [&](size_t i) { return array.shape(i); }) +
                 ", the model needs " +
                 tuple(desc.rank, [&](size_t i) { return desc.shape[i]; }));
}

template <typename Array> bool isContiguous(const Array &array) {
  int64_t expected = 1;
  bool contiguous = true;
  for (size_t i = array.ndim(); i-- > 0;) {
    if (array.shape(i) == 0)
      return true;
    contiguous &= array.shape(i) == 1 || array.stride(i) == expected;
    expected *= int64_t(array.shape(i));
  }
  return contiguous;
}

/// `object` as an array; false if it is none.
template <typename Array>
bool import(nb::handle object, const fairway_tensor_desc &desc, Array &array) {
  if (nb::try_cast(object, array, /*convert=*/false))
    return true;
  // ml_dtypes' bfloat16 goes neither through DLPack nor through buffers.
  if (desc.dtype != FAIRWAY_BFLOAT16 || !nb::hasattr(object, "view"))
    return false;
  try {
    return nb::try_cast(object.attr("view")("uint16"), array, false);
  } catch (const nb::python_error &) {
    return false;
  }
}

std::string typeNameOf(nb::handle object) {
  return nb::cast<std::string>(nb::str(object.type().attr("__name__")));
}

/// torch does not hand out tensors that want gradients; inference has none.
nb::object withoutGradient(nb::handle object) {
  nb::object flag = nb::getattr(object, "requires_grad", nb::none());
  return flag.is(nb::handle(Py_True)) ? object.attr("detach")()
                                      : nb::borrow(object);
}

nb::object contiguous(const nb::object &object) {
  if (nb::hasattr(object, "contiguous"))
    return object.attr("contiguous")(); // torch
  return nb::module_::import_("numpy").attr("ascontiguousarray")(object);
}

std::vector<size_t> shapeOf(const fairway_tensor_desc &desc) {
  return std::vector<size_t>(desc.shape, desc.shape + desc.rank);
}

} // namespace

void fairway::python::bindError(nb::module_ &module) {
  nb::object type = nb::steal(PyErr_NewExceptionWithDoc(
      "fairway._runtime.Error",
      "What the runtime refused. `code` is a `Status`, the text a message.",
      PyExc_RuntimeError, nullptr));
  if (!type.is_valid())
    nb::raise_python_error();
  module.attr("Error") = type;
  errorType = type.release().ptr();
}

void fairway::python::raise(fairway_status code, const std::string &message) {
  nb::object error = nb::borrow(errorType)(message);
  error.attr("code") = nb::cast(code);
  PyErr_SetObject(errorType, error.ptr());
  nb::raise_python_error();
}

ReadOnlyTensor fairway::python::readTensor(nb::handle object,
                                           const fairway_tensor_desc &desc,
                                           const char *role, Extents extents) {
  nb::object source = withoutGradient(object);
  ReadOnlyTensor array;
  if (!import(source, desc, array))
    mismatch(role, desc,
             "is no tensor that DLPack or the buffer protocol can "
             "hand over (" +
                 typeNameOf(object) + ")");
  checkTensor(array, desc, role, extents);
  if (isContiguous(array))
    return array;
  ReadOnlyTensor copy;
  if (!import(contiguous(source), desc, copy) || !isContiguous(copy))
    mismatch(role, desc, "is not contiguous and cannot be copied");
  return copy;
}

nb::ndarray<> fairway::python::writableTensor(nb::handle object,
                                              const fairway_tensor_desc &desc,
                                              const char *role) {
  nb::ndarray<> array;
  if (!import(object, desc, array))
    mismatch(role, desc, "is no writable tensor (" + typeNameOf(object) + ")");
  checkTensor(array, desc, role, Extents::All);
  if (!isContiguous(array))
    mismatch(role, desc, "is not contiguous");
  return array;
}

nb::object fairway::python::newArray(const fairway_tensor_desc &desc,
                                     void *&data) {
  data = fairway::allocateAligned(desc.bytes);
  if (!data)
    raise(FAIRWAY_OUT_OF_MEMORY, std::string("no memory for output '") +
                                     desc.name + "' (" +
                                     std::to_string(desc.bytes) + " bytes)");
  nb::capsule owner(data, [](void *memory) noexcept { free(memory); });
  nb::ndarray<nb::numpy> array(data, desc.rank, shapeOf(desc).data(), owner,
                               nullptr, numpyType(desc.dtype));
  return array.cast();
}

nb::object fairway::python::viewArray(const fairway_tensor_desc &desc,
                                      const void *data, nb::handle owner) {
  nb::ndarray<nb::numpy, nb::ro> array(data, desc.rank, shapeOf(desc).data(),
                                       owner, nullptr, numpyType(desc.dtype));
  return array.cast();
}
