# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Determinants of PyTorch, which torch-mlir computes without exchanging rows: 0/0 for many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairway.ingest.torch_factorizations import MOST_STEPS, diagonal, eliminate

__all__ = ["determinant_table"]


def determinant_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of what `torch.linalg.det` and `slogdet` consist of."""

    def det(a: Any) -> Any:
        if not _can_eliminate(a):
            return NotImplemented
        sign, factors, pivots = _eliminate(torch, a)
        return sign * diagonal(torch, factors).prod(-1), factors, pivots

    def slogdet(a: Any) -> Any:
        if not _can_eliminate(a):
            return NotImplemented
        sign, factors, pivots = _eliminate(torch, a)
        pivot = diagonal(torch, factors)
        sign = sign * torch.sign(pivot).prod(-1)
        return sign, pivot.abs().log().sum(-1), factors, pivots

    def composite(a: Any) -> Any:
        found = slogdet(a)
        return found if found is NotImplemented else found[:2]

    aten = torch.ops.aten
    return {
        aten._linalg_det.default: det,
        aten._linalg_slogdet.default: slogdet,
        aten.linalg_slogdet.default: composite,
    }


def _can_eliminate(a: Any) -> bool:
    return a.shape[-1] <= MOST_STEPS and not a.dtype.is_complex


def _eliminate(torch: Any, a: Any) -> tuple[Any, Any, Any]:
    """The sign of an elimination's exchanges, [...], its factors and its pivots.

    As in PyTorch, whose gradients rely on it, contiguous matrices are transposed first.
    """
    factors, pivots = eliminate(torch, a.mT if a.is_contiguous() else a)
    kept = pivots == torch.arange(1, a.shape[-1] + 1)
    sign = torch.where(kept, 1.0, -1.0).to(a.dtype).prod(-1)
    return sign, factors, pivots
