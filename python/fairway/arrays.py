# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors at the door of a compiled model: checked, named, and never copied in vain.

Knows NumPy, PyTorch (only if the process has already imported it) and everything
that speaks DLPack on the CPU.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from fairway.errors import InvalidArgument
from fairway.program import TensorSpec
from fairway.tensors import shape_text

__all__ = ["check_inputs", "to_torch", "torch_if_loaded"]

_DLPACK_CPU = 1
_DLPACK_DEVICES = {1: "cpu", 2: "cuda", 3: "cuda_host", 7: "vulkan", 8: "metal", 10: "rocm"}


def torch_if_loaded() -> Any | None:
    """The torch module if this process has imported it; never imports it."""
    return sys.modules.get("torch")


def check_inputs(leaves: Sequence[Any], specs: Sequence[TensorSpec]) -> list[Any]:
    """Checks a call's tensors against the model's inputs.

    Args:
        leaves: The tensors of the call, in the order of `specs`.
        specs: What the model takes.

    Returns:
        For each input a dense row-major NumPy array that shares the tensor's memory
        where that is dense and row-major, else a copy.

    Raises:
        InvalidArgument: The count, or an input's type, dtype, shape or device does not
            fit; the message names the input. Extents that vary are not checked: the
            runtime knows what they must be.
    """
    if len(leaves) != len(specs):
        names = ", ".join(spec.name for spec in specs)
        raise InvalidArgument(
            f"the model takes {_count(len(specs), 'input')} ({names}), not {len(leaves)}"
        )
    return [_check(leaf, spec) for leaf, spec in zip(leaves, specs, strict=True)]


def to_torch(results: Sequence[Any], specs: Sequence[TensorSpec]) -> list[Any]:
    """Torch tensors that share the memory of a run's NumPy arrays."""
    torch = torch_if_loaded()
    assert torch is not None, "called only when torch is loaded"
    tensors = [torch.from_numpy(array) for array in results]
    return [
        tensor.view(torch.bfloat16) if spec.dtype == "bfloat16" else tensor
        for tensor, spec in zip(tensors, specs, strict=True)
    ]


def _check(leaf: Any, spec: TensorSpec) -> Any:
    torch = torch_if_loaded()
    if torch is not None and isinstance(leaf, torch.Tensor):
        return _check_torch(torch, leaf, spec)
    return _check_numpy(_as_numpy(leaf, spec), spec)


def _check_torch(torch: Any, tensor: Any, spec: TensorSpec) -> Any:
    if tensor.layout is not torch.strided:
        raise InvalidArgument(
            f"input '{spec.name}' is a {tensor.layout} tensor; only dense tensors can be used",
            hint=f"pass {spec.name}.to_dense()",
        )
    if tensor.device.type != "cpu":
        raise _wrong_device(spec, str(tensor.device), f"pass {spec.name}.cpu()")
    if tensor.dtype is not getattr(torch, spec.dtype) or not _has_shape(tensor, spec):
        dtype = str(tensor.dtype).removeprefix("torch.")
        _refuse_type(spec, dtype, tensor.shape, f"{spec.name}.to(torch.{spec.dtype})")
    dense = tensor.detach().contiguous()
    if spec.dtype == "bfloat16":  # which NumPy lacks; the runtime takes its bits
        dense = dense.view(torch.uint16)
    return dense.numpy()


def _check_numpy(array: Any, spec: TensorSpec) -> Any:
    if spec.dtype == "bfloat16":  # which NumPy lacks; another package may have added it
        fits = array.dtype.name == spec.dtype
    else:
        fits = array.dtype == _numpy_dtype(spec.dtype)
    if not fits or not _has_shape(array, spec):
        dtype = array.dtype.name if array.dtype.isnative else f"byte-swapped {array.dtype.name}"
        _refuse_type(spec, dtype, array.shape, f"{spec.name}.astype('{spec.dtype}')")
    return array if array.flags.c_contiguous else array.copy(order="C")


def _has_shape(tensor: Any, spec: TensorSpec) -> bool:
    """Whether a tensor has the rank and the fixed extents of an input."""
    if tensor.shape == spec.shape:
        return True
    return len(tensor.shape) == len(spec.shape) and all(
        isinstance(wanted, str) or extent == wanted
        for extent, wanted in zip(tensor.shape, spec.shape, strict=True)
    )


@functools.cache
def _numpy_dtype(name: str) -> Any:
    import numpy as np

    return np.dtype(name)


def _as_numpy(leaf: Any, spec: TensorSpec) -> Any:
    import numpy as np

    if _is(leaf, np.ndarray):
        return leaf
    if _is(leaf, np.generic):
        return np.asarray(leaf)
    if _is(leaf, (bool, int, float)) and spec.shape == () and spec.dtype != "bfloat16":
        return np.asarray(leaf, dtype=spec.dtype)
    if hasattr(leaf, "__dlpack__"):
        device = int(leaf.__dlpack_device__()[0])
        if device != _DLPACK_CPU:
            name = _DLPACK_DEVICES.get(device, f"DLPack device {device}")
            raise _wrong_device(spec, name, "copy it to the CPU first")
        return np.from_dlpack(leaf)
    raise InvalidArgument(
        f"input '{spec.name}' is a {type(leaf).__name__}, not a tensor",
        hint="pass a NumPy array, a torch tensor, or anything that speaks DLPack",
    )


def _is(leaf: object, kinds: type | tuple[type, ...]) -> bool:
    """`isinstance` that leaves the static type as it is."""
    return isinstance(leaf, kinds)


def _refuse_type(spec: TensorSpec, dtype: str, shape: tuple[int, ...], cast: str) -> NoReturn:
    """Says which of dtype and shape does not fit."""
    if dtype != spec.dtype:
        raise InvalidArgument(
            f"input '{spec.name}' has dtype {dtype}, not {spec.dtype}", hint=f"pass {cast}"
        )
    if len(shape) != len(spec.shape):
        wrong = f"{_count(len(shape), 'dimension')} {list(shape)}"
        wanted = f"{_count(len(spec.shape), 'dimension')} {shape_text(spec.shape)}"
        raise InvalidArgument(f"input '{spec.name}' has {wrong}, not {wanted}")
    raise InvalidArgument(
        f"input '{spec.name}' has shape {list(shape)}, not {shape_text(spec.shape)}",
        hint="a compiled model takes the shapes that it was compiled with; compile it again "
        "for others",
    )


def _wrong_device(spec: TensorSpec, device: str, hint: str) -> InvalidArgument:
    return InvalidArgument(
        f"input '{spec.name}' is on device {device}; this executable runs on cpu", hint=hint
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
