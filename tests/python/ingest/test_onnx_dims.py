# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Symbolic dimensions of ONNX models: kept, or fixed by examples and sizes."""

from __future__ import annotations

import numpy as np
import pytest
from ingest_onnx_models import linear

from fairway.errors import InvalidArgument
from fairway.ingest import load


def example(batch: int) -> np.ndarray:
    return np.zeros((batch, 4), np.float32)


def test_named_dimension_is_carried() -> None:
    program = load(linear("batch"))
    assert program.inputs[0].shape == ("batch", 4)
    assert program.symbols == ("batch",)
    assert 'fairway.dims = ["batch", ""]' in program.module


def test_unnamed_dimension_gets_a_name() -> None:
    proto = linear()
    proto.graph.input[0].type.tensor_type.shape.dim[0].Clear()
    assert load(proto).inputs[0].shape == ("x_0", 4)


@pytest.mark.parametrize("by", ["position", "name", "size"])
def test_sizes_are_fixed_by_examples(by: str) -> None:
    given = {
        "position": {"args": (example(5),)},
        "name": {"kwargs": {"x": example(5)}},
        "size": {"dims": {"batch": 5}},
    }[by]
    program = load(linear("batch"), **given)
    assert program.inputs[0].shape == (5, 4)
    assert program.outputs[0].shape == (5, 1, 3)
    assert "?" not in next(line for line in program.module.splitlines() if "@main" in line)


def test_dims_keeps_a_dimension_symbolic_beside_examples() -> None:
    program = load(linear("batch"), (example(5),), dims={"x": {0: "batch"}})
    assert program.inputs[0].shape == ("batch", 4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"args": (np.zeros((5, 6), np.float32),)}, "size 6 on axis 1, not 4"),
        ({"args": (np.zeros(4, np.float32),)}, "has 2 dimensions, its example 1"),
        ({"args": (example(1), example(1))}, "has 1 inputs, 2 examples"),
        ({"kwargs": {"z": example(1)}}, "no input 'z'"),
        ({"dims": {"z": {0: "batch"}}}, "the input 'z'"),
        ({"dims": {"size": 3}}, "no dimension 'size'"),
        ({"dims": {"x": {1: "feature"}}}, "axis 1 of the input 'x' is fixed"),
    ],
)
def test_refuses_what_does_not_fit(given: dict, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load(linear("batch"), **given)
