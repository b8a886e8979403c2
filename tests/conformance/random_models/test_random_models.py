# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random ONNX models: Fairway computes what ONNX Runtime does, or says what it cannot compile.

A model that fails is made as small as it can be, and stays in regressions/ for later runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from builder import REGRESSIONS, Builder, Sample
from hypothesis import assume, event, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from operations import OPERATIONS

import fairway
from fairway.verification.accuracy import relative_error, tolerance
from fairway.verification.onnx_double import widen

Arrays = list[NDArray[Any]]


@st.composite
def samples(draw: Any) -> Sample:
    builder = Builder(draw)
    for _ in range(builder.integer(1, 8)):
        builder.choose(OPERATIONS)(builder)
    sample = builder.sample()
    assume(sample.model.graph.node)
    return sample


def run_reference(model: onnx.ModelProto, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(feeds))


def run_in_double(model: onnx.ModelProto, feeds: Mapping[str, NDArray[Any]]) -> Arrays | None:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    wide = {n: a.astype(np.float64) if a.dtype == np.float32 else a for n, a in feeds.items()}
    try:
        return run_reference(widen(copy), wide)
    except Exception:  # ONNX Runtime has not every operation for float64
        return None


def computed_in(model: onnx.ModelProto, output: str) -> list[str]:
    """The dtypes that an output is computed in: its own, and those of all it is made of."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    kinds = {
        value.name: onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    operands = {name: node.input for node in graph.node for name in node.output}
    seen, left = set[str](), [output]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left.extend(operands.get(name, ()))
    return [kinds[name] for name in seen if name in kinds]


def check(sample: Sample) -> str:
    """Compiles and compares; says what happened.

    Raises:
        AssertionError: The answer is wrong.
    """
    onnx.checker.check_model(sample.model, full_check=True)
    try:
        wanted = run_reference(sample.model, sample.feeds)
    except Exception as error:
        return f"left out: ONNX Runtime cannot run it ({str(error)[:60]})"
    if not all(np.isfinite(array).all() for array in wanted if array.dtype.kind == "f"):
        return "left out: not finite"
    try:
        executable = fairway.compile(sample.model, cache=False, threads=2)
    except fairway.UnsupportedOp as error:
        return f"refused: {error.message[:80]}"
    found = list(executable.run(sample.feeds).values())
    precise = run_in_double(sample.model, sample.feeds)
    for index, (got, want) in enumerate(zip(found, wanted, strict=True)):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        name = sample.model.graph.output[index].name
        is_float = want.dtype.kind == "f"
        allowed = tolerance(computed_in(sample.model, name) if is_float else [want.dtype.name])
        error = relative_error([got], [want])
        if error > allowed and precise is not None and is_float:
            # A model may lose digits: then no more than the reference does.
            own = relative_error([want], [precise[index]])
            error = relative_error([got], [precise[index]])
            allowed = max(allowed, 16 * own)
        assert error <= allowed, f"{name} is off by {error:.3g}, more than {allowed:.3g}"
    return "passed"


@given(sample=samples())
def test_random_model(sample: Sample, latest_failure: Path) -> None:
    try:
        event(check(sample))
    except BaseException:
        onnx.save(sample.model, latest_failure)
        raise


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.onnx")), ids=lambda path: path.stem)
def test_what_failed_before(path: Path) -> None:
    model = onnx.load(path)
    generator = np.random.default_rng()
    feeds: dict[str, NDArray[Any]] = {}
    for value in model.graph.input:
        kind = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        shape = tuple(dim.dim_value for dim in kind.shape.dim)
        drawn = generator.standard_normal(shape) * (1 if dtype.kind == "f" else 3)
        feeds[value.name] = drawn.astype(dtype) if dtype.kind != "b" else drawn > 0
    assert check(Sample(model, feeds)) == "passed"
