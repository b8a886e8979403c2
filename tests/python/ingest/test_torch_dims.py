# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Symbolic dimensions of PyTorch models."""

from __future__ import annotations

import pytest
import torch
from ingest_torch_models import Function
from torch import nn

from fairway.errors import InvalidArgument, InvalidModel
from fairway.ingest import load


class Join(nn.Module):
    """Its output's size is an expression of its inputs'."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y])


@pytest.mark.parametrize("batch", [1, 2])
def test_named_dimension_is_carried(batch: int) -> None:
    program = load(nn.Linear(4, 3), (torch.randn(batch, 4),), dims={"input": {0: "batch"}})
    assert program.inputs[0].shape == ("batch", 4)
    assert program.outputs[0].shape == ("batch", 3)
    assert program.symbols == ("batch",)
    main = next(line for line in program.module.splitlines() if "@main" in line)
    assert "tensor<?x4xf32>" in main
    assert 'fairway.dims = ["batch", ""]' in main


def test_torch_dims_are_taken() -> None:
    batch = torch.export.Dim("n", min=2, max=64)
    program = load(nn.Linear(4, 3), (torch.randn(2, 4),), dims=({0: batch},))
    assert program.inputs[0].shape == ("n", 4)


def test_sizes_that_follow_are_expressions() -> None:
    x = torch.randn(1, 4)
    program = load(Join(), (x, x), dims={"x": {0: "batch"}, "y": {0: "batch"}})
    assert program.outputs[0].shape == ("2*batch", 4)


def test_fixed_dimension_cannot_be_symbolic() -> None:
    with pytest.raises(InvalidArgument, match="feature"):
        load(nn.Linear(4, 3), (torch.randn(2, 4),), dims={"input": {1: "feature"}})


def test_unknown_input() -> None:
    with pytest.raises(InvalidArgument, match="inptu"):
        load(nn.Linear(4, 3), (torch.randn(2, 4),), dims={"inptu": {0: "batch"}})


def test_axis_beyond_the_rank() -> None:
    with pytest.raises(InvalidArgument, match="beyond its rank 2"):
        load(nn.Linear(4, 3), (torch.randn(2, 4),), dims={"input": {5: "batch"}})


def test_returned_size_must_be_fixed() -> None:
    class Size(nn.Module):
        def forward(self, x: torch.Tensor):
            return x * 2, x.shape[0]

    fixed = load(Size(), (torch.randn(2, 4),))
    assert fixed.tree.unflatten([1]) == (1, 2)
    with pytest.raises(InvalidModel, match="not fixed"):
        load(Size(), (torch.randn(2, 4),), dims={"x": {0: "batch"}})


def test_sizes_are_fixed_unless_asked() -> None:
    program = load(Function(lambda x: x.reshape(-1)), (torch.randn(2, 4),))
    assert program.inputs[0].is_static
    assert program.outputs[0].shape == (8,)
