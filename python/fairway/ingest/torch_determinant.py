# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Determinants of PyTorch, which torch-mlir computes without exchanging rows: 0/0 for many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["determinant_table"]

_MOST_ROWS = 64  # an elimination is written out, step by step


def determinant_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of what `torch.linalg.det` and `slogdet` consist of."""

    def det(a: Any) -> Any:
        if not _can_eliminate(a):
            return NotImplemented
        sign, factors, pivots = _eliminate(torch, a)
        return sign * _diagonal(torch, factors).prod(-1), factors, pivots

    def slogdet(a: Any) -> Any:
        if not _can_eliminate(a):
            return NotImplemented
        sign, factors, pivots = _eliminate(torch, a)
        diagonal = _diagonal(torch, factors)
        sign = sign * torch.sign(diagonal).prod(-1)
        return sign, diagonal.abs().log().sum(-1), factors, pivots

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
    return a.shape[-1] <= _MOST_ROWS and not a.dtype.is_complex


def _diagonal(torch: Any, a: Any) -> Any:
    number = torch.arange(a.shape[-1])
    zero = torch.zeros((), dtype=a.dtype)
    return torch.where(number.unsqueeze(-1) == number, a, zero).sum(-1)


def _eliminate(torch: Any, a: Any) -> tuple[Any, Any, Any]:
    """Gaussian elimination with partial pivoting (Golub and Van Loan, algorithm 3.4.1).

    As in PyTorch, whose gradients rely on it, contiguous matrices are transposed first.

    Args:
        torch: The module.
        a: Square matrices, [..., n, n].

    Returns:
        The sign of the exchanges, [...]; the factors L (without its ones) and U in one,
        [..., n, n]; and with which row each was exchanged, from one, [..., n] int32.
    """
    a = a.mT if a.is_contiguous() else a
    count = a.shape[-1]
    number = torch.arange(count)
    one, zero = (torch.full((), value, dtype=a.dtype) for value in (1, 0))
    sign = torch.ones(a.shape[:-2], dtype=a.dtype)
    pivots: list[Any] = []
    for k in range(count):
        place = a[..., k:, k].abs().argmax(-1) + k
        pivots.append((place + 1).to(torch.int32))
        if k == count - 1:
            break
        sign = torch.where(place == k, sign, -sign)
        chosen = (number == place.unsqueeze(-1)).unsqueeze(-1)
        top = torch.where(chosen, a, zero).sum(-2, keepdim=True)
        below = torch.where(chosen, a[..., k : k + 1, :], a)[..., k + 1 :, :]
        pivot = top[..., k : k + 1]
        factor = below[..., k : k + 1] / torch.where(pivot == 0, one, pivot)
        rest = below[..., k + 1 :] - factor * top[..., k + 1 :]
        below = torch.cat([below[..., :k], factor, rest], -1)
        a = torch.cat([a[..., :k, :], top, below], -2)
    taken = torch.stack(pivots, -1) if pivots else sign.new_zeros(a.shape[:-1], dtype=torch.int32)
    return sign, a, taken
