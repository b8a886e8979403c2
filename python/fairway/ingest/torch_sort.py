# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sorting and what follows from it, by counting how many elements come before each.

torch-mlir makes each a loop with a dialect of its own. Here an element's place is the number
of those that come before it, a reduction over comparisons that are never stored. That grows
with the square of the length, but runs in vectors and in parallel: short rows, such as the
scores of experts or of the best candidates, are what models sort.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["sort_table"]


def sort_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    return {
        aten.sort.default: rules.sort,
        aten.sort.stable: rules.stable_sort,
        aten.topk.default: rules.topk,
        aten.kthvalue.default: rules.kthvalue,
        aten.median.default: rules.median,
        aten.median.dim: rules.median_dim,
        aten.searchsorted.Tensor: rules.searchsorted,
        aten.bucketize.Tensor: rules.bucketize,
    }


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def _precedes(self, a: Any, b: Any, descending: bool) -> Any:
        """Whether `a` comes before `b`; NaN counts as the greatest of all."""
        if descending:
            a, b = b, a
        if not a.dtype.is_floating_point:
            return a < b
        return (a < b) | (b.isnan() & ~a.isnan())

    def _first(self, x: Any, count: int, descending: bool) -> Any:
        """The indices of the first `count` elements along the last dimension, in order."""
        torch = self._torch
        if x.dtype == torch.bool:
            x = x.to(torch.uint8)
        size = x.shape[-1]
        number = torch.arange(size, device=x.device)
        this, other = x.unsqueeze(-1), x.unsqueeze(-2)
        # Equal elements keep their order.
        earlier = number < number.unsqueeze(-1)
        before = self._precedes(other, this, descending) | (
            earlier & ~self._precedes(this, other, descending)
        )
        place = before.sum(-1)
        hits = place.unsqueeze(-2) == torch.arange(count, device=x.device).unsqueeze(-1)
        return torch.where(hits, number, torch.zeros_like(number)).sum(-1)

    def _chosen(self, x: Any, count: int, dim: int, descending: bool) -> tuple[Any, Any]:
        """The first `count` elements along a dimension, and their indices."""
        torch = self._torch
        if x.ndim == 0:
            return x.clone(), torch.zeros_like(x, dtype=torch.int64)
        if x.numel() == 0 or count == 0:
            shape = list(x.shape)
            shape[dim] = count
            return x.new_empty(shape), x.new_empty(shape, dtype=torch.int64)
        lanes = x.movedim(dim, -1)
        index = self._first(lanes, count, descending)
        return lanes.gather(-1, index).movedim(-1, dim), index.movedim(-1, dim)

    def sort(self, x: Any, dim: int = -1, descending: bool = False) -> tuple[Any, Any]:
        return self._chosen(x, x.shape[dim] if x.ndim else 1, dim, descending)

    def stable_sort(
        self, x: Any, *, stable: bool | None, dim: int = -1, descending: bool = False
    ) -> tuple[Any, Any]:
        return self.sort(x, dim, descending)

    def topk(
        self, x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
    ) -> tuple[Any, Any]:
        return self._chosen(x, k, dim, largest)

    def kthvalue(self, x: Any, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Any, Any]:
        values, indices = self._chosen(x, k, dim, False)
        if x.ndim == 0:
            return values, indices
        values, indices = values.narrow(dim, k - 1, 1), indices.narrow(dim, k - 1, 1)
        return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))

    def median(self, x: Any) -> Any:
        if x.numel() == 0:
            return NotImplemented
        return self.median_dim(x.reshape(-1), 0)[0]

    def median_dim(self, x: Any, dim: int, keepdim: bool = False) -> tuple[Any, Any]:
        """The lower of two middles; NaN where there is one."""
        if x.ndim == 0:
            return self._chosen(x, 1, dim, False)
        values, indices = self.kthvalue(x, (x.shape[dim] + 1) // 2, dim, keepdim)
        if not x.dtype.is_floating_point:
            return values, indices
        torch = self._torch
        holes = x.isnan()
        any_hole = holes.any(dim, keepdim=keepdim)
        nan = torch.full_like(values, float("nan"))
        first = holes.to(torch.uint8).argmax(dim, keepdim=keepdim)
        return torch.where(any_hole, nan, values), torch.where(any_hole, first, indices)

    def searchsorted(
        self,
        boundaries: Any,
        x: Any,
        *,
        out_int32: bool = False,
        right: bool = False,
        side: str | None = None,
        sorter: Any = None,
    ) -> Any:
        """The number of boundaries that lie before each element."""
        if sorter is not None:
            boundaries = boundaries.gather(-1, sorter)
        edges, elements = boundaries.unsqueeze(-2), x.unsqueeze(-1)
        before = ~(edges > elements if right or side == "right" else edges >= elements)
        return before.sum(-1, dtype=self._torch.int32 if out_int32 else self._torch.int64)

    def bucketize(
        self, x: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False
    ) -> Any:
        return self.searchsorted(boundaries, x, out_int32=out_int32, right=right)
