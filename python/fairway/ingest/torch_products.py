# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with a start value or in groups, and distances, which torch-mlir lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["product_table"]


def product_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    table: dict[Any, Callable[..., Any]] = {
        aten.addbmm.default: rules.addbmm,
        aten.addmv.default: rules.addmv,
        aten.addr.default: rules.addr,
        aten.baddbmm.default: rules.baddbmm,
        aten._cdist_forward.default: rules.cdist,
        aten._pdist_forward.default: rules.pdist,
        aten.dist.default: rules.dist,
        aten._grouped_mm.default: rules.grouped_mm,
    }
    # What transformers, where it is loaded, calls instead for the experts of a mixture.
    if hasattr(torch.ops.transformers, "grouped_mm_fallback"):
        table[torch.ops.transformers.grouped_mm_fallback.default] = rules.grouped_mm
    return table


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def _scaled(self, x: Any, factor: Any) -> Any:
        """Factors have the tensor's dtype, in which those of integers lose their fraction."""
        if not x.dtype.is_floating_point:
            factor = int(factor)
        return x if factor == 1 else x * factor

    def _sum(self, start: Any, product: Any, beta: Any, alpha: Any) -> Any:
        """`beta * start + alpha * product`; a start that is not counted may be NaN."""
        product = self._scaled(product, alpha)
        if beta == 0:
            shape = self._torch.broadcast_shapes(start.shape, product.shape)
            return product.expand(shape).clone()
        return self._scaled(start, beta) + product

    def addmv(self, start: Any, m: Any, v: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return self._sum(start, self._torch.mv(m, v), beta, alpha)

    def addr(self, start: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        if start.dtype == self._torch.bool:
            outer = a.unsqueeze(-1) & b
            outer = outer if alpha else self._torch.zeros_like(outer)
            return (start & bool(beta)) | outer
        return self._sum(start, a.unsqueeze(-1) * b, beta, alpha)

    def grouped_mm(
        self, x: Any, weight: Any, offs: Any = None, bias: Any = None, out_dtype: Any = None
    ) -> Any:
        """Rows times the matrix of their group, such as tokens times that of their expert.

        Few rows take a matrix each; of many, every group's product is computed and one chosen.

        Args:
            x: [rows, k], sorted by group.
            weight: [groups, k, n].
            offs: Where each group ends, [groups] int32 or int64; rows beyond the last are zero.
            bias: None: PyTorch has it for no group of rows.
            out_dtype: The result's dtype; the default is that of x.
        """
        torch = self._torch
        if x.ndim != 2 or weight.ndim != 3 or offs is None or bias is not None:
            return NotImplemented
        rows, groups = x.shape[0], weight.shape[0]
        group = (offs <= torch.arange(rows, device=x.device).unsqueeze(-1)).sum(-1, keepdim=True)
        if rows <= groups:
            chosen = weight.index_select(0, group.squeeze(-1).clamp(max=groups - 1))
            y = torch.bmm(x.unsqueeze(1), chosen).squeeze(1)
            y = torch.where(group < groups, y, torch.zeros_like(y))
        else:
            every = torch.matmul(x, weight)
            own = group == torch.arange(groups, device=x.device).reshape(-1, 1, 1)
            y = torch.where(own, every, torch.zeros_like(every)).sum(0)
        return y if out_dtype is None else y.to(out_dtype)

    def baddbmm(self, start: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        if start.dtype.is_floating_point:
            return NotImplemented
        return self._sum(start, self._torch.bmm(a, b), beta, alpha)

    def addbmm(self, start: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        """The sum over the batch is one product: rows and columns of all of them end to end."""
        rows = a.transpose(0, 1).reshape(a.shape[1], a.shape[0] * a.shape[2])
        columns = b.reshape(b.shape[0] * b.shape[1], b.shape[2])
        return self._sum(start, self._torch.mm(rows, columns), beta, alpha)

    def _norm(self, difference: Any, p: float, dim: Any) -> Any:
        if difference.numel() == 0:
            return difference.sum(dim)
        if p == 0:
            return (difference != 0).to(difference.dtype).sum(dim)
        return self._torch.linalg.vector_norm(difference, p, dim)

    def cdist(self, a: Any, b: Any, p: float, mode: int | None) -> Any:
        """Distances of all pairs; never by |a|^2 - 2ab + |b|^2, which cancels: `mode` is ignored.

        Args:
            a: Points, [..., m, d].
            b: Points, [..., n, d].
            p: Of the norm.
            mode: How PyTorch would compute it.

        Returns:
            [..., m, n].
        """
        del mode
        return self._norm(a.unsqueeze(-2) - b.unsqueeze(-3), p, -1)

    def pdist(self, x: Any, p: float = 2) -> Any:
        """Distances of the pairs (i, j) with i < j, in that order, of points [n, d]."""
        first, second = self._torch.triu_indices(x.shape[0], x.shape[0], 1).unbind(0)
        return self._norm(x.index_select(0, first) - x.index_select(0, second), p, -1)

    def dist(self, a: Any, b: Any, p: Any = 2) -> Any:
        return self._norm((a - b).reshape(-1), p, 0)
