# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes of PyTorch models that stay open."""

from __future__ import annotations

import random

import pytest
import torch
from ingest_samples import check_in_step
from ingest_torch_models import Small
from torch import nn

from fairway.dims import Dim
from fairway.errors import InvalidArgument, InvalidModel, UnsupportedOp
from fairway.ingest import load
from fairway.program import Program, Size


class Apply(nn.Module):
    """A function of one tensor."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor):
        return self.function(x)


class Join(nn.Module):
    """Its output's size is an expression of its inputs'."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y])


class Nested(nn.Module):
    """Takes containers and keywords."""

    def forward(self, pair, *, more):
        return pair[0] + pair[1], more["z"] * 2


class Table(nn.Module):
    """Adds rows of a table that ends."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(512, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.rows[: x.shape[0]]


class Attention(nn.Module):
    """Causal attention with positions, as language models have it."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(30, 8), nn.Embedding(64, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        length = ids.shape[1]
        x = self.words(ids) + self.places(torch.arange(length))
        mask = torch.full((length, length), float("-inf")).triu(1)
        return self.layer(x, src_mask=mask)


def open_first(function, dim: object = "n", size: int = 9) -> Program:
    return load(Apply(function), (torch.randn(size, 4),), dims={"x": {0: dim}})


@pytest.mark.parametrize("batch", [1, 2])
def test_named_dimension_stays_open(batch: int) -> None:
    program = load(nn.Linear(4, 3), (torch.randn(batch, 4),), dims={"input": {0: "batch"}})
    assert program.inputs[0].shape == ("batch", 4)
    assert program.outputs[0].shape == ("batch", 3)
    assert program.sizes == (Size("batch", 1, None, batch, (1009, 1082, 1151)),)


@pytest.mark.parametrize(
    ("model", "examples", "dims", "shape"),
    [
        (Small(), (torch.randn(3, 3, 8, 8),), {"x": {0: "b"}}, ("b", 10)),
        (
            Attention(),
            (torch.zeros(3, 7, dtype=torch.int64),),
            {"ids": {0: "b", 1: "s"}},
            ("b", "s", 8),
        ),
        (Apply(lambda x: x.mean(1)), (torch.randn(3, 7, 4),), {"x": {0: "b", 1: "s"}}, ("b", 4)),
        (
            Apply(lambda x: x.softmax(1)),
            (torch.randn(3, 7, 4),),
            {"x": {0: "b", 1: "s"}},
            ("b", "s", 4),
        ),
        (Apply(lambda x: x[:, -1]), (torch.randn(3, 7, 4),), {"x": {0: "b", 1: "s"}}, ("b", 4)),
    ],
)
def test_samples_are_in_step(model, examples, dims, shape) -> None:
    program = load(model.eval(), examples, dims=dims)
    assert program.outputs[0].shape == shape
    check_in_step(program)


def test_fixed_sizes_are_one_module() -> None:
    program = load(nn.Linear(4, 3), (torch.randn(2, 4),))
    assert program.sizes == ()
    assert "fairway.sizes" not in program.module
    assert program.inputs[0].is_static


def test_hint_is_the_examples_size() -> None:
    size = random.randint(2, 40)
    (found,) = open_first(lambda x: x * 2, size=size).sizes
    assert found.hint == size


def test_ranges_are_kept() -> None:
    low, high = random.randint(2, 8), random.randint(10, 5000)
    (found,) = open_first(lambda x: x * 2, Dim("n", low, high)).sizes
    assert (found.minimum, found.maximum) == (low, high)


def test_torch_dims_are_taken() -> None:
    batch = torch.export.Dim("n", min=2, max=64)
    program = load(nn.Linear(4, 3), (torch.randn(2, 4),), dims=({0: batch},))
    assert program.inputs[0].shape == ("n", 4)
    assert (program.sizes[0].minimum, program.sizes[0].maximum) == (2, 64)


def test_dims_computed_from_others_are_taken() -> None:
    n = torch.export.Dim("n")
    size = random.randint(2, 9)
    pair = (torch.randn(2 * size, 4), torch.randn(size, 4))
    program = load(Join(), pair, dims={"x": {0: 2 * n}, "y": {0: n}})
    assert [spec.shape for spec in program.inputs] == [("2*n", 4), ("n", 4)]
    assert program.outputs[0].shape == ("3*n", 4)
    assert [(size.name, size.hint) for size in program.sizes] == [("n", size)]


def test_sizes_that_follow_are_expressions() -> None:
    x = torch.randn(1, 4)
    program = load(Join(), (x, x), dims={"x": {0: "batch"}, "y": {0: "batch"}})
    assert program.outputs[0].shape == ("2*batch", 4)
    several = load(Join(), (x, x), dims={"x": {0: "a"}, "y": {0: "b"}})
    assert several.outputs[0].shape == ("a + b", 4)
    assert [size.name for size in several.sizes] == ["a", "b"]


def test_dimensions_within_containers() -> None:
    x = torch.randn(3, 4)
    dims = {"pair": ({0: "n"}, {0: "n"}), "more": {"z": {1: "m"}}}
    program = load(Nested(), ((x, x.clone()),), {"more": {"z": torch.randn(2, 5)}}, dims)
    assert [spec.shape for spec in program.inputs] == [("n", 4), ("n", 4), (2, "m")]
    assert [size.name for size in program.sizes] == ["n", "m"]


def test_exported_program_keeps_its_symbols() -> None:
    n = torch.export.Dim("n", max=128)
    exported = torch.export.export(
        nn.Linear(4, 3), (torch.randn(6, 4),), dynamic_shapes=({0: n},), strict=False
    )
    program = load(exported)
    assert program.inputs[0].shape == ("input_0", 4)
    assert program.outputs[0].shape == ("input_0", 3)
    assert program.sizes == (Size("input_0", 1, 128, 6, (1009, 1082, 1151)),)


# ---- what a model does at 0 and 1 ------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2 if x.shape[0] == 1 else x + 1,
        lambda x: x * 2 if x.shape[0] < 2 else x + 1,
        lambda x: x * 2 if x.numel() == 4 else x + 1,
        lambda x: x.squeeze(0),
    ],
    ids=["equals 1", "below 2", "elements", "squeeze"],
)
def test_range_begins_where_the_graph_is_right(function) -> None:
    assert open_first(function).sizes[0].minimum == 2
    assert open_first(function, Dim("n", 2)).sizes[0].minimum == 2
    with pytest.raises(InvalidArgument, match="another one at a size of 1 of 'n'") as caught:
        open_first(function, Dim("n", 1, 64))
    assert 'fairway.Dim("n", 2)' in str(caught.value)


@pytest.mark.parametrize("symbols", [("n", "m"), (Dim("n"), "m")])
def test_only_the_size_that_matters_begins_later(symbols) -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.shape[1] == 1 else x + 1

    program = load(
        Apply(function), (torch.randn(3, 5),), dims={"x": {0: symbols[0], 1: symbols[1]}}
    )
    assert [size.minimum for size in program.sizes] == [1, 2]


def test_size_0_is_a_size_only_if_asked_for() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.shape[0] == 0 else x + 1

    assert open_first(function).sizes[0].minimum == 1
    assert open_first(lambda x: x + 1, Dim("n", 0)).sizes[0].minimum == 0
    with pytest.raises(InvalidArgument, match="another one at a size of 0 of 'n'"):
        open_first(function, Dim("n", 0))


def test_strides_of_what_is_empty_do_not_matter() -> None:
    def attention(x: torch.Tensor) -> torch.Tensor:
        y = x[None]
        return nn.functional.scaled_dot_product_attention(y, y, y, is_causal=True)

    program = open_first(attention, Dim("n", 0))
    assert program.sizes[0].minimum == 0
    check_in_step(program)


def test_squeeze_of_an_exported_program() -> None:
    exported = torch.export.export(
        Apply(lambda x: x.squeeze(0) + 1),
        (torch.randn(6, 4),),
        dynamic_shapes=({0: torch.export.Dim("n")},),
        strict=False,
    )
    assert load(exported).sizes[0].minimum == 2


# ---- ranges that a model needs ---------------------------------------------------


@pytest.mark.parametrize(
    ("function", "needs"),
    [
        (lambda x: x[:5], 'fairway.Dim("n", 5)'),
        (lambda x: x * min(x.shape[0], 6), 'fairway.Dim("n", 6)'),
        (lambda x: x * 2 if x.shape[0] > 5 else x, 'fairway.Dim("n", 6)'),
        (lambda x: x.sum() + torch.zeros(512, 4)[: x.shape[0]], 'fairway.Dim("n", 1, 512)'),
    ],
    ids=["slice", "number", "branch", "end"],
)
def test_error_says_which_range_the_model_needs(function, needs: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        open_first(function)
    assert needs in str(caught.value)
    check_in_step(open_first(function, eval(needs.removeprefix("fairway."))))


@pytest.mark.parametrize("end", [512, 300, 100])
def test_samples_lie_within_what_the_model_takes(end: int) -> None:
    program = load(Table(), (torch.randn(8, 4),), dims={"x": {0: Dim("n", 1, end)}})
    assert max(program.sizes[0].samples) <= 512
    assert program.sizes[0].maximum == end
    check_in_step(program)


@pytest.mark.parametrize(
    "function", [lambda x: x[: x.shape[0] // 2], lambda x: x * (x.shape[0] // 4096)]
)
def test_what_rounds_is_refused(function) -> None:
    with pytest.raises(UnsupportedOp, match="no polynomial of the open sizes"):
        open_first(function)


def test_control_flow_is_refused() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))

    with pytest.raises(UnsupportedOp, match="'cond' is not supported"):
        open_first(function)


# ---- requests that do not fit ----------------------------------------------------


def test_fixed_dimension_cannot_stay_open() -> None:
    with pytest.raises(InvalidArgument, match="feature"):
        load(nn.Linear(4, 3), (torch.randn(2, 4),), dims={"input": {1: "feature"}})


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ({"inptu": {0: "batch"}}, "inptu"),
        ({"input": {5: "batch"}}, "'input' beyond its rank 2"),
        ({"input": {0: "ba tch"}}, "'ba tch' is no name"),
        ({"input": {0: Dim("n", 1, 4), 1: Dim("n", 1, 5)}}, "'n' has two ranges"),
        ({"input": {0: Dim("n", 7, 9)}}, "'n' is to be 7 to 9, but is 2"),
    ],
)
def test_request_that_does_not_fit(dims, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load(nn.Linear(4, 3), (torch.randn(2, 4),), dims=dims)


def test_returned_size_must_be_fixed() -> None:
    class Sized(nn.Module):
        def forward(self, x: torch.Tensor):
            return x * 2, x.shape[0]

    fixed = load(Sized(), (torch.randn(2, 4),))
    assert fixed.tree.unflatten([1]) == (1, 2)
    with pytest.raises(InvalidModel, match="not fixed"):
        load(Sized(), (torch.randn(2, 4),), dims={"x": {0: "batch"}})
