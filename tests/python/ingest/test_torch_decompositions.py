# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway's own decompositions compute what PyTorch computes."""

from __future__ import annotations

import pytest
import torch

from fairway.ingest.torch_decompositions import decomposition_table


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.int32, torch.bool])
def test_cumsum(dim: int, dtype: torch.dtype) -> None:
    x = (torch.randn(3, 5) * 4).to(dtype)
    ours = decomposition_table(torch)[torch.ops.aten.cumsum.default](x, dim)
    theirs = torch.cumsum(x, dim)
    assert ours.dtype == theirs.dtype
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("exponent", [2, 3, 2.0, 3.0])
def test_small_powers_become_products(exponent: float) -> None:
    x = torch.randn(100)
    ours = decomposition_table(torch)[torch.ops.aten.pow.Tensor_Scalar](x, exponent)
    torch.testing.assert_close(ours, x**exponent, rtol=0, atol=0)


def test_other_powers_stay() -> None:
    power = decomposition_table(torch)[torch.ops.aten.pow.Tensor_Scalar]
    assert power(torch.randn(3), 0.5) is NotImplemented
    assert power(torch.ones(3, dtype=torch.int64), -2) is NotImplemented


def test_cumsum_of_a_scalar_and_with_dtype() -> None:
    cumsum = decomposition_table(torch)[torch.ops.aten.cumsum.default]
    assert cumsum(torch.tensor(3.0), 0) == 3.0
    assert cumsum(torch.ones(3), 0, dtype=torch.float64).dtype == torch.float64


def test_gelu_by_tanh_is_exact() -> None:
    """torch-mlir's own differs in the fourth digit."""
    x = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    gelu = decomposition_table(torch)[torch.ops.aten.gelu.default]
    theirs = torch.nn.functional.gelu(x, approximate="tanh")
    torch.testing.assert_close(gelu(x, approximate="tanh"), theirs, rtol=1e-12, atol=1e-12)
    assert gelu(x) is NotImplemented
