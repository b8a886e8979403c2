# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decompositions of PyTorch operations that torch-mlir cannot bring down to linalg.

Each takes what the operation takes and computes it by operations that it can.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fairway.ingest._torch_mlir import import_torch_mlir

__all__ = ["decomposition_table"]


def decomposition_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives torch-mlir's table with the additions of this module."""
    aten = torch.ops.aten
    table = dict(import_torch_mlir("extras.fx_decomp_util").get_decomposition_table())
    table[aten.cumsum.default] = _cumsum(torch)
    table[aten.gelu.default] = _gelu(torch)
    table[aten.pow.Tensor_Scalar] = _pow(torch)
    return table


def _cumsum(torch: Any) -> Callable[..., Any]:
    """A running sum as a masked reduction; torch-mlir makes it a scan of its own."""

    def cumsum(x: Any, dim: int, *, dtype: Any = None) -> Any:
        if dtype is None:
            integral = not (x.dtype.is_floating_point or x.dtype.is_complex)
            dtype = torch.int64 if integral else x.dtype
        x = x.to(dtype)
        if x.ndim == 0:
            return x.clone()
        x = x.movedim(dim, -1)
        index = torch.arange(x.shape[-1], device=x.device)
        keep = index.unsqueeze(-1) >= index  # keep[i, j]: element j counts for sum i
        terms = torch.where(keep, x.unsqueeze(-2), torch.zeros((), dtype=dtype, device=x.device))
        return terms.sum(-1, dtype=dtype).movedim(-1, dim)

    return cumsum


def _gelu(torch: Any) -> Callable[..., Any]:
    """The tanh form; torch-mlir's has 0.797724 where sqrt(2 / pi) is 0.797885."""

    def gelu(x: Any, *, approximate: str = "none") -> Any:
        if approximate != "tanh":
            return NotImplemented
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + torch.tanh(inner))

    return gelu


def _pow(torch: Any) -> Callable[..., Any]:
    """Small whole powers as products, which is how PyTorch computes squares and cubes."""

    def power(x: Any, exponent: Any) -> Any:
        if not x.dtype.is_floating_point or exponent not in (2, 3):
            return NotImplemented
        square = x * x
        return square * x if exponent == 3 else square

    return power
