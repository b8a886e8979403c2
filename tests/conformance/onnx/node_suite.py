# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's backend node tests: the cases, and what each is about."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.runner import Runner
from onnx.reference import ReferenceEvaluator

from fairway.verification.onnx_double import widen

# The cases that Fairway refuses, each with its cause; every other one must pass.
REFUSED = Path(__file__).with_name("refused.csv")

_NARROW = {
    getattr(TensorProto, name)
    for name in TensorProto.DataType.keys()  # noqa: SIM118 (a protobuf enum, no dict)
    if name.startswith(("FLOAT8", "FLOAT4", "INT4", "UINT4", "INT2", "UINT2"))
}


@functools.lru_cache(maxsize=1)
def cases() -> dict[str, TestCase]:
    """Returns every case by name; the suite makes models and data when it is asked."""
    return {case.name: case for case in collect_testcases(None)}


def operation(case: TestCase) -> str:
    """Returns the operation that a case tests; those with a function's body keep its name."""
    nodes = [node.op_type for node in case.model.graph.node]
    return nodes[-1] if len(nodes) == 1 else case.name.removeprefix("test_").split("_")[0]


def kind(case: TestCase) -> str:
    """Returns "numeric", or what puts a case beyond a compiler of numeric tensors."""
    model = case.model
    domains = {node.domain for node in model.graph.node}
    if any("training" in domain for domain in domains):
        return "training"
    types = [value.type for value in (*model.graph.input, *model.graph.output)]
    if any(t.HasField("sequence_type") or t.HasField("optional_type") for t in types):
        return "sequence"
    elements = {t.tensor_type.elem_type for t in types}
    if TensorProto.STRING in elements:
        return "string"
    if elements & _NARROW:
        return "sub-byte"
    return "numeric"


def run(backend: Any, case: TestCase) -> None:
    """Runs a case as ONNX's own runner does.

    What the suite expects was computed in the case's dtypes and is rounded itself. An element
    that differs by more than is allowed passes if it is nearer to what float64 gives.

    Raises:
        AssertionError: The answer is wrong.
    """
    prepared = backend.prepare(case.model, "CPU")
    for inputs, expected in case.data_sets:
        given, wanted = ([_array(value) for value in values] for values in (inputs, expected))
        outputs = prepared.run(given)
        try:
            Runner.assert_similar_outputs(wanted, outputs, rtol=case.rtol, atol=case.atol)
        except AssertionError:
            if not _is_nearer(case, given, wanted, outputs):
                raise


def _is_nearer(case: TestCase, given: list[Any], wanted: list[Any], found: list[Any]) -> bool:
    """Whether every element that is not as expected is nearer to float64."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    wide = [np.float64(value) if _is_float(value) else value for value in given]
    try:
        evaluator = ReferenceEvaluator(widen(model, halves=True))
        exact = evaluator.run(None, dict(zip(evaluator.input_names, wide, strict=True)))
    except Exception:  # the evaluator has no float64 of it
        return False
    for ours, theirs, truth in zip(found, wanted, exact, strict=True):
        if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
            return False
        if not (_is_float(ours) and np.isfinite(truth).all() and np.isfinite(ours).all()):
            return False
        ours, theirs = np.float64(ours), np.float64(theirs)
        allowed = np.abs(ours - theirs) <= case.atol + case.rtol * np.abs(theirs)
        if not (allowed | (np.abs(ours - truth) < np.abs(theirs - truth))).all():
            return False
    return True


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and onnx.helper.np_dtype_to_tensor_dtype(value.dtype) in (
        TensorProto.FLOAT,
        TensorProto.FLOAT16,
        TensorProto.BFLOAT16,
    )


def _array(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return value if isinstance(value, (list, tuple)) or value is None else np.asarray(value)
