# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sorting by counting gives what PyTorch gives, as decomposed and as compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import fairway
from fairway.ingest.torch_sort import sort_table

aten = torch.ops.aten
NAN, INF = float("nan"), float("inf")


def same(operation: Any, *args: Any, **kwargs: Any) -> None:
    ours = sort_table(torch)[operation](*args, **kwargs)
    theirs = operation(*args, **kwargs)
    torch.testing.assert_close(ours, tuple(theirs) if isinstance(theirs, (tuple, list)) else theirs,
                               rtol=0, atol=0, equal_nan=True)  # fmt: skip


def shuffled(*shape: int) -> torch.Tensor:
    """Different numbers, whose order is the same for every implementation."""
    return torch.randperm(torch.Size(shape).numel()).reshape(shape) - 7


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.int32])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sort(dtype: torch.dtype, descending: bool, dim: int) -> None:
    x = shuffled(3, 4, 5).to(dtype)
    same(aten.sort.default, x, dim, descending)
    same(aten.topk.default, x, 2, dim, descending)
    same(aten.kthvalue.default, x, 2, dim, descending)


@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(descending: bool) -> None:
    x = torch.randint(0, 3, (4, 20))
    same(aten.sort.stable, x, stable=True, dim=1, descending=descending)
    same(aten.sort.stable, x.float(), stable=True, dim=0, descending=descending)
    same(aten.sort.stable, x > 0, stable=True, dim=1, descending=descending)


@pytest.mark.parametrize("descending", [False, True])
def test_nan_is_the_greatest(descending: bool) -> None:
    x = torch.tensor([1.0, NAN, -INF, 3.0, NAN, INF, -2.0])
    same(aten.sort.stable, x, stable=True, dim=0, descending=descending)


def test_scalars_and_nothing() -> None:
    same(aten.sort.default, torch.tensor(3.0))
    same(aten.sort.default, torch.zeros(2, 0))
    same(aten.topk.default, torch.randn(4), 0)
    same(aten.kthvalue.default, torch.tensor(3), 1)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("size", [4, 5])
def test_median(size: int, keepdim: bool) -> None:
    x = shuffled(3, size).float()
    same(aten.median.default, x)
    same(aten.median.dim, x, 1, keepdim)
    same(aten.median.dim, x.to(torch.int64), 0, keepdim)
    x[1, 2] = NAN
    same(aten.median.default, x)
    same(aten.median.dim, x, 1, keepdim)


@pytest.mark.parametrize("right", [False, True])
def test_search(right: bool) -> None:
    edges = torch.tensor([[-1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 3.0, INF]])
    x = torch.tensor([[0.0, 2.0, NAN], [-5.0, 3.0, INF]])
    same(aten.searchsorted.Tensor, edges, x, right=right)
    same(aten.searchsorted.Tensor, edges, x, out_int32=True, side="right" if right else "left")
    same(aten.bucketize.Tensor, x, edges[0], right=right)
    order = torch.randperm(4)
    mixed, sorter = edges[0][order], torch.argsort(edges[0][order])
    same(aten.searchsorted.Tensor, mixed, x[0], right=right, sorter=sorter)


class Of(torch.nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.sort(x, dim=1),
        lambda x: torch.topk(x, 3, dim=-1),
        lambda x: torch.topk(x, 2, dim=0, largest=False),
        lambda x: torch.argsort(x, dim=-1, descending=True),
        lambda x: x.median(dim=1),
        lambda x: torch.searchsorted(x.sort().values, x),
        lambda x: torch.bucketize(x, torch.tensor([-1.0, 0.0, 2.0])),
    ],
    ids=["sort", "topk", "smallest", "argsort", "median", "searchsorted", "bucketize"],
)
def test_compiled(function: Callable[..., Any]) -> None:
    x = shuffled(6, 40).float() / 16
    model = Of(function).eval()
    found = fairway.compile(model, (x,))(x)
    wanted = model(x)
    wanted = wanted if isinstance(wanted, torch.Tensor) else tuple(wanted)
    torch.testing.assert_close(tuple(found) if isinstance(found, (tuple, list)) else found, wanted)
