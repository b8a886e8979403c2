# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Determinants are what LAPACK gives, whichever rows have to be exchanged."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import fairway
from fairway.ingest.torch_determinant import determinant_table

aten = torch.ops.aten
SHAPES = [(0, 0), (1, 1), (2, 2), (2, 3, 5, 5), (16, 16)]


@pytest.mark.parametrize("shape", SHAPES)
def test_factors_are_those_of_lapack(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, dtype=torch.float64)
    x[..., :1, :1] = 0  # the first row is never the pivot's
    for operation in (aten._linalg_det.default, aten._linalg_slogdet.default):
        ours, theirs = determinant_table(torch)[operation](x), operation(x)
        torch.testing.assert_close(ours, tuple(theirs))


@pytest.mark.parametrize("shape", SHAPES)
def test_compiled(shape: tuple[int, ...]) -> None:
    class Determinants(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            sign, logarithm = torch.linalg.slogdet(x)
            return torch.linalg.det(x), sign, logarithm

    x = torch.randn(shape)
    x[..., :1, :1] = 0
    ours = fairway.compile(Determinants(), (x,))(x)
    exact = Determinants()(x.double())
    for found, wanted in zip(ours, exact, strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)


def test_singular_matrices_have_none() -> None:
    x = torch.ones(2, 4, 4)
    x[1, 0] = 0
    ours = determinant_table(torch)[aten._linalg_slogdet.default](x)
    torch.testing.assert_close(ours[:2], torch.linalg.slogdet(x)[:2])
