# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The results that contenders are judged by: the framework's own, in float64 where it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from fairway.tensors import as_array, leaves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fairway.bench.subject import Subject

__all__ = ["compute"]


def compute(subject: Subject) -> str | None:
    """Computes the outputs and writes them to `subject.reference_file`.

    Returns:
        What computed them, such as "PyTorch in float64"; None if nothing here can.
    """
    import numpy as np

    for name, attempt in _ATTEMPTS.get(subject.kind, ()):
        try:
            arrays = attempt(subject)
        except Exception:  # an op without this precision, a package that is missing, ...
            continue
        np.savez(subject.reference_file, *arrays)
        return name
    return None


def _torch_double(subject: Subject) -> list[NDArray[Any]]:
    import torch
    from torch.utils import _pytree as pytree

    from fairway.verification.torch_double import widen

    program = subject.program()
    module = program.module()
    widen(torch, module)
    args, kwargs = pytree.tree_map_only(
        torch.Tensor,
        lambda t: t.double() if t.is_floating_point() else t,
        program.example_inputs,
    )
    with torch.no_grad():
        return [as_array(tensor) for tensor in leaves(module.forward(*args, **kwargs))]


def _torch_single(subject: Subject) -> list[NDArray[Any]]:
    import torch

    program = subject.program()
    args, kwargs = program.example_inputs
    with torch.no_grad():
        return [as_array(tensor) for tensor in leaves(program.module()(*args, **kwargs))]


def _onnx_double(subject: Subject) -> list[NDArray[Any]]:
    import numpy as np
    import onnx
    import onnxruntime

    from fairway.verification.onnx_double import widen

    model = widen(onnx.load(subject.as_onnx()))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    feeds = {
        name: array.astype(np.float64) if array.dtype == np.float32 else array
        for name, array in subject.feeds().items()
    }
    return cast("list[NDArray[Any]]", session.run(None, feeds))


def _onnx_single(subject: Subject) -> list[NDArray[Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        str(subject.as_onnx()), options, providers=["CPUExecutionProvider"]
    )
    return cast("list[NDArray[Any]]", session.run(None, subject.feeds()))


def _onnx_reference(subject: Subject) -> list[NDArray[Any]]:
    from onnx.reference import ReferenceEvaluator

    evaluator: Any = ReferenceEvaluator(str(subject.as_onnx()))
    return list(evaluator.run(None, subject.feeds()))


_Attempt = Callable[["Subject"], "list[NDArray[Any]]"]
_ATTEMPTS: dict[str, tuple[tuple[str, _Attempt], ...]] = {
    "torch": (
        ("PyTorch in float64", _torch_double),
        ("PyTorch in float32", _torch_single),
    ),
    "onnx": (
        ("ONNX Runtime in float64", _onnx_double),
        ("ONNX Runtime in float32, unoptimised", _onnx_single),
        ("ONNX's reference evaluator", _onnx_reference),
    ),
}
