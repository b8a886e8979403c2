# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Symbolic dimensions of ONNX models: kept open, or fixed by examples and sizes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from ingest_onnx_models import linear, model, single, value
from ingest_samples import check_in_step
from onnx import TensorProto, helper

from fairway.dims import Dim
from fairway.errors import InvalidArgument, UnsupportedOp
from fairway.ingest import load
from fairway.program import Program, Size


def example(batch: int) -> np.ndarray:
    return np.zeros((batch, 4), np.float32)


def test_named_dimension_stays_open() -> None:
    program = load(linear("batch"))
    assert program.inputs[0].shape == ("batch", 4)
    assert program.outputs[0].shape == ("batch", 1, 3)
    assert program.sizes == (Size("batch", 1, None, 1, (1009, 1082, 1151)),)
    check_in_step(program)


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
    assert program.sizes == ()
    assert "fairway.sizes" not in program.module


@pytest.mark.parametrize("dims", [{"x": {0: "n"}}, {"batch": "n"}, {"batch": Dim("n", 1, 64)}])
def test_dims_keeps_a_dimension_open_beside_examples(dims: dict) -> None:
    size = random.randint(2, 40)
    program = load(linear("batch"), (example(size),), dims=dims)
    assert program.inputs[0].shape == ("n", 4)
    assert program.sizes[0].hint == size


def test_one_dimension_open_and_one_fixed() -> None:
    low, high = random.randint(0, 5), random.randint(300, 900)
    program = load(sums(["b", "s"]), dims={"b": 3, "s": Dim("s", low, high)})
    assert program.inputs[0].shape == (3, "s")
    assert program.sizes == (Size("s", low, high, 128, (1009, 1082, 1151)),)


def test_hint_without_examples() -> None:
    program = load(sums(["b", "s"]), dims={"s": Dim("s", 1, 50)})
    assert [size.hint for size in program.sizes] == [1, 50]


def sums(shape: list) -> Any:
    """Adds an input to itself."""
    return model(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [value("x", shape)],
        [value("y", shape)],
    )


# ---- what a graph does elsewhere in its ranges -------------------------------------


def slices(start: int, end: int) -> Any:
    weights = {"start": np.array([start]), "end": np.array([end]), "axis": np.array([0])}
    return model(
        [helper.make_node("Slice", ["x", "start", "end", "axis"], ["y"], name="cut")],
        [value("x", ["n", 4])],
        [value("y", [None, 4])],
        weights,
    )


def positions(rows: int) -> Any:
    """Adds as many rows of a table as there are."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Slice", ["table", "zero", "shape", "zero"], ["part"], name="cut"),
        helper.make_node("Add", ["x", "part"], ["y"]),
    ]
    table = np.random.default_rng().standard_normal((rows, 4)).astype(np.float32)
    weights = {"table": table, "zero": np.array([0])}
    return model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], weights)


@pytest.mark.parametrize(
    ("start", "end", "shape"),
    [(0, -1, "n - 1"), (1, 2**63 - 1, "n - 1"), (-1, 2**31 - 1, 1)],
)
def test_slices_of_one_formula(start: int, end: int, shape: int | str) -> None:
    program = load(slices(start, end))
    assert program.outputs[0].shape == (shape, 4)
    check_in_step(program)


def test_slice_that_ends_early_needs_a_range() -> None:
    end = random.randint(3, 20)
    with pytest.raises(InvalidArgument, match=f"for n=1: the shape of 'y' has 1 in it, not {end}"):
        load(slices(0, end))
    program = load(slices(0, end), dims={"n": Dim("n", end)})
    assert program.outputs[0].shape == (end, 4)


def test_slice_that_ends_beyond_the_samples_needs_a_range() -> None:
    with pytest.raises(InvalidArgument, match="for n=9973: the shape of 'y' has 5000") as caught:
        load(slices(0, 5000))
    assert caught.value.where == "node 'cut (Slice)'"
    assert load(slices(0, 5000), dims={"n": Dim("n", 1, 5000)}).outputs[0].shape == ("n", 4)


@pytest.mark.parametrize("end", [512, 300, 100])
def test_samples_lie_within_what_the_model_takes(end: int) -> None:
    with pytest.raises(InvalidArgument, match="the shape of 'part' has 1 in it, not 512"):
        load(positions(512), dims={"n": Dim("n", 1, 2000)})
    program = load(positions(512), dims={"n": Dim("n", 1, end)})
    assert max(program.sizes[0].samples) <= 512
    assert program.outputs[0].shape == ("n", 4)
    check_in_step(program)


def halves() -> Any:
    """Scales by a number that is taken from the size: half of it, or at most 6."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Div", ["shape", "two"], ["half"], name="half"),
        helper.make_node("Slice", ["x", "zero", "half", "zero"], ["y"]),
    ]
    weights = {"two": np.array([2]), "zero": np.array([0])}
    return model(nodes, [value("x", ["n", 4])], [value("y", [None, 4])], weights)


def test_what_rounds_is_refused() -> None:
    with pytest.raises(UnsupportedOp, match="no polynomial of the open sizes") as caught:
        load(halves())
    assert "(Slice)" in (caught.value.where or "") or "(Div)" in (caught.value.where or "")


def test_number_that_ends_needs_a_range() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Min", ["shape", "six"], ["least"], name="least"),
        helper.make_node("Cast", ["least"], ["factor"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    proto = model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], {"six": np.array([6])})
    with pytest.raises(InvalidArgument, match="for n=1: the constant '(least|factor)' has 1"):
        load(proto)
    check_in_step(load(proto, dims={"n": Dim("n", 6)}))


def test_squeeze_at_1_is_another_model() -> None:
    proto = single("Squeeze", [value("x", ["n", 4])], [value("y", [None, 4])])
    with pytest.raises(InvalidArgument, match="another one for n=1"):
        load(proto)
    assert load(proto, dims={"n": Dim("n", 2)}).outputs[0].shape == ("n", 4)


def ranges() -> Any:
    """As many whole numbers as the input has rows, added to it."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Squeeze", ["shape"], ["count"]),
        helper.make_node("Range", ["zero", "count", "one"], ["numbers"]),
        helper.make_node("Gather", ["table", "numbers"], ["part"]),
        helper.make_node("Add", ["x", "part"], ["y"]),
    ]
    table = np.random.default_rng().standard_normal((4000, 4)).astype(np.float32)
    weights = {"table": table, "zero": np.array(0), "one": np.array(1)}
    return model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], weights)


def test_arrays_that_depend_on_sizes_are_no_constants() -> None:
    check_in_step(load(ranges()))


def test_shapes_follow_folded_constants() -> None:
    size = random.randint(2, 50)
    program: Program = load(ranges(), dims={"n": size})
    assert program.outputs[0].shape == (size, 4)


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
        ({"dims": {"batch": 2.5}}, "2.5, which is no dimension"),
        ({"dims": {"batch": 2, "x": {0: "batch"}}}, "'batch' in two ways"),
    ],
)
def test_refuses_what_does_not_fit(given: dict, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load(linear("batch"), **given)
