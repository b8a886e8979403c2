# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writing to computed places gives what PyTorch gives, as decomposed and as compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import fairway
from fairway.ingest.torch_scatter import scatter_table

aten = torch.ops.aten
REDUCTIONS = ["sum", "mean", "prod", "amax", "amin"]


def same(operation: Any, *args: Any, **kwargs: Any) -> None:
    ours = scatter_table(torch)[operation](*args, **kwargs)
    theirs = operation(*args, **kwargs)
    assert ours.dtype == theirs.dtype
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def tensor(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    return (torch.randn(shape) * 5).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
@pytest.mark.parametrize("dim", [1, -2])
def test_scatter(dtype: torch.dtype, dim: int) -> None:
    x, source = tensor(dtype, 4, 5, 6), tensor(dtype, 4, 8, 6)
    index = torch.randint(0, 5, (3, 7, 6))  # less than x along one axis, than source along two
    same(aten.scatter.value, x, dim, index, 2)
    same(aten.scatter.src, x, dim, index, source)  # of several to one place the last stays
    same(aten.scatter_add.default, x, dim, index, source)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_scatter_reduce(dtype: torch.dtype, reduce: str, include_self: bool) -> None:
    x, source = tensor(dtype, 4, 5), tensor(dtype, 4, 8)
    index = torch.randint(0, 5, (4, 6))
    same(aten.scatter_reduce.two, x, 1, index, source, reduce, include_self=include_self)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_scatter_extremes_of_truth_values(reduce: str, include_self: bool) -> None:
    x, source = torch.rand(4, 5) > 0.5, torch.rand(4, 8) > 0.5
    index = torch.randint(0, 5, (4, 6))
    same(aten.scatter_reduce.two, x, 1, index, source, reduce, include_self=include_self)


def test_scatter_without_updates_and_of_scalars() -> None:
    x, nothing = torch.randn(3), torch.zeros(0, dtype=torch.int64)
    same(aten.scatter.value, x, 0, nothing, 1.0)
    same(aten.scatter_add.default, x, 0, nothing, torch.zeros(0))
    same(aten.scatter_add.default, x[0], 0, torch.tensor(0), torch.tensor(2.0))


@pytest.mark.parametrize("accumulate", [True, False])
def test_index_put(accumulate: bool) -> None:
    x = torch.randn(4, 5, 6)
    two, one = torch.randint(-4, 4, (3, 2)), torch.randint(-6, 6, (2,))
    for indices, values in (
        ([two], (3, 2, 5, 6)),
        ([two], (6,)),
        ([None, torch.randint(-5, 5, (7,))], (4, 7, 6)),
        ([two, None, one], (3, 2, 5)),  # indexed axes that are not neighbours come first
        ([two, torch.randint(0, 5, (2,))], (6,)),
        ([None, torch.zeros(0, dtype=torch.int64)], (4, 0, 6)),
    ):
        same(aten.index_put.default, x, indices, torch.randn(values), accumulate)
    same(aten.index_put.default, x, [x > 0], torch.tensor(3.0), accumulate)
    same(aten.index_put.default, x, [None, x[0, :, 0] > 0], torch.tensor(3.0), accumulate)


def test_index_put_of_as_many_as_a_mask_has_is_left_alone() -> None:
    x = torch.randn(6)
    index_put = scatter_table(torch)[aten.index_put.default]
    assert index_put(x, [x > 0], torch.randn(int((x > 0).sum()) + 2)) is NotImplemented


@pytest.mark.parametrize("padding", [-1, 2])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_embedding_gradient(padding: int, by_frequency: bool) -> None:
    gradient, indices = torch.randn(3, 4, 8), torch.randint(0, 10, (3, 4))
    same(aten.embedding_dense_backward.default, gradient, indices, 10, padding, by_frequency)


@pytest.mark.parametrize(
    "window",
    [
        ([2, 2], [2, 2], [0, 0], [1, 1], False),
        ([3, 3], [2, 2], [1, 1], [1, 1], False),
        ([3, 2], [1, 2], [1, 0], [2, 1], True),
        ([3, 3], [2, 2], [0, 0], [1, 1], True),
        ([2], [], [0], [1], False),
    ],
)
def test_max_pooling_gradient(window: tuple[Any, ...]) -> None:
    x = torch.randn(2, 3, 9, 11)
    y, places = aten.max_pool2d_with_indices(x, *window)
    gradient = torch.randn_like(y)
    same(aten.max_pool2d_with_indices_backward.default, gradient, x, *window, places)


class Function(torch.nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, index, source: x.scatter(1, index, source),
        lambda x, index, source: x.scatter_add(1, index, source),
        lambda x, index, source: x.scatter_reduce(1, index, source, "amax", include_self=False),
        lambda x, index, source: torch.index_put(x, (index[:, 0],), source[0, 0], True),
    ],
)
def test_compiled(function: Callable[..., Any]) -> None:
    args = torch.randn(4, 5, 6), torch.randint(0, 4, (3, 7, 6)), torch.randn(4, 8, 6)
    model = Function(function).eval()
    ours = fairway.compile(model, args)(*args)
    torch.testing.assert_close(ours, model(*args), rtol=1e-5, atol=1e-5)
