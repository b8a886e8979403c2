# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reductions and running reductions that torch-mlir lacks or takes for some shapes only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["reduction_table"]


def reduction_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    of_numbers = (
        aten.amax.default,
        aten.amin.default,
        aten.any.dim,
        aten.all.dim,
        aten._softmax.default,
        aten._log_softmax.default,
        aten.logsumexp.default,
        aten.logcumsumexp.default,
        aten.linalg_vector_norm.default,
        aten.prod.dim_int,
    )
    table = {operation: _of_numbers(torch, operation) for operation in of_numbers}
    table |= {
        operation: _of_sums(torch, operation) for operation in (aten.sum.dim_IntList, aten.mean.dim)
    }
    table |= {
        aten.any.dims: _of_no_dims(torch, aten.any.dims),
        aten.all.dims: _of_no_dims(torch, aten.all.dims),
        aten.argmax.default: lambda x, *args: rules.place(x, *args, largest=True),
        aten.argmin.default: lambda x, *args: rules.place(x, *args, largest=False),
        aten.max.dim: lambda x, *args: rules.extreme(x, *args, largest=True),
        aten.min.dim: lambda x, *args: rules.extreme(x, *args, largest=False),
        aten.var.correction: rules.var,
        aten.var_mean.correction: rules.var_mean,
        aten.cumsum.default: rules.cumsum,
        aten.cumprod.default: rules.cumprod,
        aten.cummax.default: rules.cummax,
        aten.cummin.default: rules.cummin,
    }
    return table


def _of_numbers(torch: Any, operation: Any) -> Callable[..., Any]:
    """Takes the only dimension that a single number has for one of a vector."""

    def reduce(x: Any, *args: Any, **kwargs: Any) -> Any:
        if x.ndim:
            return NotImplemented
        found = operation(x.reshape(1), *args, **kwargs)
        return torch.utils._pytree.tree_map(lambda result: result.reshape(()), found)

    return reduce


def _of_sums(torch: Any, operation: Any) -> Callable[..., Any]:
    """Sums of 16-bit floats are rounded once, at their end, as PyTorch's are.

    torch-mlir takes uint8 for numbers with a sign.
    """

    def reduce(x: Any, dim: Any, keepdim: bool = False, *, dtype: Any = None) -> Any:
        if x.dtype == torch.uint8:
            return operation(x.to(dtype or torch.int64), dim, keepdim, dtype=dtype)
        dtype = dtype or x.dtype
        if x.dtype not in (torch.float16, torch.bfloat16) or dtype != x.dtype:
            return NotImplemented
        return operation(x.float(), dim, keepdim).to(dtype)

    return reduce


def _of_no_dims(torch: Any, operation: Any) -> Callable[..., Any]:
    """An empty list of dimensions reduces none of them."""

    def reduce(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is not None and not dim:
            return (x != 0).to(torch.uint8 if x.dtype == torch.uint8 else torch.bool)
        if x.ndim == 0:
            return operation(x.reshape(1), dim, keepdim).reshape(())
        return NotImplemented

    return reduce


class _Rules:
    """Places of extremes, variances, and running reductions.

    Each of the last is a reduction under a mask: what comes later does not count. That is
    quadratic in the length, but the mask is never stored, and all of it runs in vectors and in
    parallel; torch-mlir makes each a scan of its own.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def _terms(self, x: Any, neutral: Any) -> Any:
        """`[..., i, j]`: element j as far as it counts for result i, else the neutral one."""
        torch = self._torch
        index = torch.arange(x.shape[-1], device=x.device)
        keep = index.unsqueeze(-1) >= index
        filled = torch.full((), neutral, dtype=x.dtype, device=x.device)
        return torch.where(keep, x.unsqueeze(-2), filled)

    def _accumulated(self, x: Any, dtype: Any) -> Any:
        """What sums and products are made of: integers are widened."""
        if dtype is not None:
            return x.to(dtype)
        return x if x.dtype.is_floating_point or x.dtype.is_complex else x.to(self._torch.int64)

    def place(self, x: Any, dim: Any = None, keepdim: bool = False, *, largest: bool) -> Any:
        """The first place of the extreme; NaN, which torch-mlir passes over, is beyond all."""
        if dim is None:
            place = self.extreme(x.reshape(-1), 0, False, largest=largest)[1]
            return place.reshape([1] * x.ndim if keepdim else [])
        return self.extreme(x, dim, keepdim, largest=largest)[1]

    def extreme(self, x: Any, dim: int, keepdim: bool = False, *, largest: bool) -> tuple[Any, Any]:
        """The extreme and its first place."""
        torch = self._torch
        if x.ndim == 0:
            return x.clone(), torch.zeros_like(x, dtype=torch.int64)
        lanes = x.movedim(dim, -1)
        if x.dtype == torch.bool:
            lanes = lanes.to(torch.uint8)
        found = lanes.amax(-1, keepdim=True) if largest else lanes.amin(-1, keepdim=True)
        number = torch.arange(lanes.shape[-1], device=x.device)
        met = self._met(lanes, found)
        place = torch.where(met, number, lanes.shape[-1]).amin(-1, keepdim=True)
        found, place = found.to(x.dtype).movedim(-1, dim), place.movedim(-1, dim)
        return (found, place) if keepdim else (found.squeeze(dim), place.squeeze(dim))

    def _met(self, x: Any, extreme: Any) -> Any:
        """Which elements are the extreme, which NaN is where there is one."""
        met = x == extreme
        return met | (x.isnan() & extreme.isnan()) if x.dtype.is_floating_point else met

    def var(self, x: Any, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> Any:
        """The squares of no element less than the correction are divided by zero, not by less."""
        correction = 1 if correction is None else correction
        if x.ndim == 0:
            return self._torch.var(x.reshape(1), 0, correction=correction).reshape(())
        dims = list(range(x.ndim)) if not dim else [dim] if isinstance(dim, int) else dim
        count = 1
        for each in dims:
            count *= x.shape[each]
        if count >= correction and count:
            return NotImplemented
        mean = x.sum(dims, keepdim=True) / max(count, 1)
        return (x - mean).square().sum(dims, keepdim=keepdim) * self._torch.inf

    def var_mean(
        self, x: Any, dim: Any = None, *, correction: Any = None, keepdim: bool = False
    ) -> Any:
        var = self.var(x, dim, correction=correction, keepdim=keepdim)
        return var if var is NotImplemented else (var, x.mean(dim, keepdim=keepdim))

    def cumsum(self, x: Any, dim: int, *, dtype: Any = None) -> Any:
        x = self._accumulated(x, dtype)
        if x.ndim == 0:
            return x.clone()
        return self._terms(x.movedim(dim, -1), 0).sum(-1, dtype=x.dtype).movedim(-1, dim)

    def cumprod(self, x: Any, dim: int, *, dtype: Any = None) -> Any:
        x = self._accumulated(x, dtype)
        if x.ndim == 0:
            return x.clone()
        return self._terms(x.movedim(dim, -1), 1).prod(-1, dtype=x.dtype).movedim(-1, dim)

    def cummax(self, x: Any, dim: int) -> tuple[Any, Any]:
        return self._running(x, dim, largest=True)

    def cummin(self, x: Any, dim: int) -> tuple[Any, Any]:
        return self._running(x, dim, largest=False)

    def _running(self, x: Any, dim: int, *, largest: bool) -> tuple[Any, Any]:
        """The extreme so far and the last index that it was met at; NaN is beyond all others."""
        torch = self._torch
        if x.ndim == 0:
            return x.clone(), torch.zeros_like(x, dtype=torch.int64)
        kind = x.dtype
        lanes = x.movedim(dim, -1)
        if kind == torch.bool:
            lanes = lanes.to(torch.uint8)
        if lanes.dtype.is_floating_point:
            worst = -torch.inf if largest else torch.inf
        else:
            limits = torch.iinfo(lanes.dtype)
            worst = limits.min if largest else limits.max
        terms = self._terms(lanes, worst)
        extreme = terms.amax(-1) if largest else terms.amin(-1)
        number = torch.arange(lanes.shape[-1], device=x.device)
        met = self._met(lanes.unsqueeze(-2), extreme.unsqueeze(-1)) & (
            number.unsqueeze(-1) >= number
        )
        index = torch.where(met, number, torch.zeros_like(number)).amax(-1)
        return extreme.to(kind).movedim(-1, dim), index.movedim(-1, dim)
