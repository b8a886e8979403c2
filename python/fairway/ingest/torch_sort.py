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
        aten.nanmedian.default: rules.nanmedian,
        aten.nanmedian.dim: rules.nanmedian_dim,
        aten.mode.default: rules.mode,
        aten.histc.default: rules.histc,
        aten.searchsorted.Tensor: rules.searchsorted,
        aten.searchsorted.Scalar: rules.searchsorted,
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

    def nanmedian(self, x: Any) -> Any:
        if x.numel() == 0:
            return NotImplemented
        return self.nanmedian_dim(x.reshape(-1), 0)[0]

    def nanmedian_dim(self, x: Any, dim: int, keepdim: bool = False) -> tuple[Any, Any]:
        """The lower middle of what is a number: sorted, NaN is last."""
        if not x.dtype.is_floating_point or x.ndim == 0:
            return self.median_dim(x, dim, keepdim)
        values, indices = self._chosen(x, x.shape[dim], dim, False)
        known = (~x.isnan()).sum(dim, keepdim=True)
        middle = ((known - 1) // 2).clamp(min=0)
        values, indices = values.gather(dim, middle), indices.gather(dim, middle)
        return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))

    def mode(self, x: Any, dim: int = -1, keepdim: bool = False) -> tuple[Any, Any]:
        """The smallest of the most frequent elements, and its last index."""
        torch = self._torch
        if x.ndim == 0:
            return x.clone(), torch.zeros_like(x, dtype=torch.int64)
        kind = x.dtype
        lanes = (x.to(torch.uint8) if kind == torch.bool else x).movedim(dim, -1)
        same = lanes.unsqueeze(-1) == lanes.unsqueeze(-2)
        count = same.sum(-1)
        frequent = count == count.amax(-1, keepdim=True)
        limits = torch.finfo if kind.is_floating_point else torch.iinfo
        worst = torch.full_like(lanes, limits(lanes.dtype).max)
        value = torch.where(frequent, lanes, worst).amin(-1, keepdim=True)
        number = torch.arange(lanes.shape[-1], device=x.device)
        index = torch.where(lanes == value, number, -1).amax(-1, keepdim=True)
        value, index = value.to(kind).movedim(-1, dim), index.movedim(-1, dim)
        return (value, index) if keepdim else (value.squeeze(dim), index.squeeze(dim))

    def histc(self, x: Any, bins: int = 100, low: Any = 0, high: Any = 0) -> Any:
        """How many elements lie in each of some bins of equal width; the last is closed.

        Without bounds, these are the least and the greatest element, and one on either side of
        them where they are equal.
        """
        torch = self._torch
        if not x.dtype.is_floating_point:
            return NotImplemented
        if x.numel() == 0:
            return x.new_zeros(bins)
        flat = x.reshape(-1)
        if low == high:
            least, most = flat.amin(), flat.amax()
        else:
            least, most = (torch.full((), bound, dtype=x.dtype) for bound in (low, high))
        same = (least == most).to(x.dtype)
        least, most = least - same, most + same
        place = ((flat - least) * bins / (most - least)).floor().clamp(max=bins - 1)
        inside = (flat >= least) & (flat <= most)
        numbers = torch.arange(bins, device=x.device).to(x.dtype).unsqueeze(-1)
        return ((place == numbers) & inside).to(x.dtype).sum(-1)

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
        if not isinstance(x, self._torch.Tensor):
            x = self._torch.full((), x, dtype=boundaries.dtype, device=boundaries.device)
        if sorter is not None:
            boundaries = boundaries.gather(-1, sorter)
        edges = boundaries if boundaries.ndim == 1 else boundaries.unsqueeze(-2)
        elements = x.unsqueeze(-1)
        before = ~(edges > elements if right or side == "right" else edges >= elements)
        return before.sum(-1, dtype=self._torch.int32 if out_int32 else self._torch.int64)

    def bucketize(
        self, x: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False
    ) -> Any:
        return self.searchsorted(boundaries, x, out_int32=out_int32, right=right)
