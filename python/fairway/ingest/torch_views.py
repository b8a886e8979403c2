# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parts of tensors that torch-mlir cannot take or replace, by index arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["view_table"]

_VIEWS = (
    ("alias", "default"),
    ("detach", "default"),
    ("diagonal", "default"),
    ("expand", "default"),
    ("permute", "default"),
    ("select", "int"),
    ("slice", "Tensor"),
    ("split", "Tensor"),
    ("split_with_sizes", "default"),
    ("squeeze", "default"),
    ("squeeze", "dim"),
    ("squeeze", "dims"),
    ("t", "default"),
    ("transpose", "int"),
    ("unbind", "int"),
    ("unfold", "default"),
    ("unsqueeze", "default"),
    ("view", "default"),
)


def view_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    copies = {
        getattr(getattr(aten, f"{name}_copy"), overload): _copied(
            torch, getattr(getattr(aten, name), overload)
        )
        for name, overload in _VIEWS
    }
    spaced = {
        getattr(aten.linspace, overload): rules.linspace
        for overload in ("default", "Tensor_Tensor", "Tensor_Scalar", "Scalar_Tensor")
    }
    return (
        copies
        | spaced
        | {
            aten.arange.start_step: rules.arange,
            aten.as_strided.default: rules.as_strided,
            aten.as_strided_copy.default: rules.as_strided,
            aten.as_strided_scatter.default: rules.as_strided_scatter,
            aten.constant_pad_nd.default: rules.pad,
            aten.diagonal_scatter.default: rules.diagonal_scatter,
            aten.empty_permuted.default: rules.empty_permuted,
            aten.eye.default: lambda n, **kwargs: rules.eye(n, n, **kwargs),
            aten.eye.m: rules.eye,
            aten.gather.default: rules.gather,
            aten.take.default: rules.take,
            aten.narrow_copy.default: _copied(torch, torch.narrow),
        }
    )


def _copied(torch: Any, view: Any) -> Callable[..., Any]:
    """The copy of a view: in a graph without writes, the view itself."""

    def copy(*args: Any, **kwargs: Any) -> Any:
        return torch.utils._pytree.tree_map(lambda part: part.clone(), view(*args, **kwargs))

    return copy


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def arange(self, start: Any, end: Any, step: Any = 1, *, dtype: Any = None, **_: Any) -> Any:
        """In a dtype of less than 64 bits, which ends torch-mlir's process, by conversion."""
        if dtype is None or dtype.is_floating_point or dtype == self._torch.int64:
            return NotImplemented
        return self._torch.arange(start, end, step, dtype=self._torch.int64).to(dtype)

    def linspace(self, start: Any, end: Any, steps: int, *, dtype: Any = None, **_: Any) -> Any:
        """Counts from both ends; whole numbers are cut off before and after."""
        torch = self._torch
        dtype = dtype or torch.get_default_dtype()
        wide = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
        if not dtype.is_floating_point:
            wide = torch.float64
            start, end = (
                bound.to(dtype) if isinstance(bound, torch.Tensor) else int(bound)
                for bound in (start, end)
            )
        start, end = (
            bound.to(wide) if isinstance(bound, torch.Tensor) else torch.full((), bound, dtype=wide)
            for bound in (start, end)
        )
        step = (end - start) / max(steps - 1, 1)
        number = torch.arange(steps)
        up, down = start + step * number, end - step * (steps - 1 - number)
        return torch.where(number < max(steps // 2, 2 - steps), up, down).to(dtype)

    def _places(self, size: Sequence[int], stride: Sequence[int], offset: int) -> Any:
        """Where in memory a view's elements are, [*size]."""
        torch = self._torch
        places = torch.full((), offset, dtype=torch.int64)
        for count, step in zip(size, stride, strict=True):
            places = places.unsqueeze(-1) + torch.arange(count) * step
        return places

    def as_strided(self, x: Any, size: Any, stride: Any, offset: int | None = None) -> Any:
        """Takes the elements one by one; what is traced is contiguous or refused."""
        if not x.is_contiguous() or not size or x.numel() == 0:
            return NotImplemented
        places = self._places(size, stride, offset or 0)
        return x.reshape(-1).index_select(0, places.reshape(-1)).reshape(size)

    def as_strided_scatter(
        self, x: Any, source: Any, size: Any, stride: Any, offset: int | None = None
    ) -> Any:
        if not x.is_contiguous() or source.numel() == 0:
            return NotImplemented
        places = self._places(size, stride, offset or 0).reshape(-1)
        return x.reshape(-1).scatter(0, places, source.reshape(-1)).reshape(x.shape)

    def pad(self, x: Any, pads: Sequence[int], value: Any = 0) -> Any:
        """What is padded by less than nothing is cut off before."""
        if all(pad >= 0 for pad in pads):
            return NotImplemented
        for number, (low, high) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
            dim = x.ndim - 1 - number
            start, end = max(-low, 0), x.shape[dim] - max(-high, 0)
            x = x.narrow(dim, start, end - start)
        return self._torch.constant_pad_nd(x, [max(pad, 0) for pad in pads], value)

    def diagonal_scatter(
        self, x: Any, source: Any, offset: int = 0, dim1: int = 0, dim2: int = 1
    ) -> Any:
        """The diagonal's elements, one in each row (or column), beside the rest."""
        torch = self._torch
        planes = x.movedim((dim1, dim2), (-2, -1))
        rows, columns = planes.shape[-2:]
        row, column = torch.arange(rows).unsqueeze(-1), torch.arange(columns)
        length = columns if offset < 0 else rows
        lines = torch.constant_pad_nd(source, [0, length - source.shape[-1]])
        lines = lines.unsqueeze(-2 if offset < 0 else -1)
        planes = torch.where(column - row == offset, lines, planes)
        return planes.movedim((-2, -1), (dim1, dim2))

    def empty_permuted(self, size: Any, order: Any, *, dtype: Any = None, **_: Any) -> Any:
        del order  # the graph counts on values, not on where they are
        return self._torch.zeros(size, dtype=dtype)

    def eye(self, rows: int, columns: int, *, dtype: Any = None, **_: Any) -> Any:
        torch = self._torch
        same = torch.arange(rows).unsqueeze(-1) == torch.arange(columns)
        return same.to(dtype or torch.get_default_dtype())

    def take(self, x: Any, index: Any) -> Any:
        if index.numel() == 0:
            return x.new_zeros(index.shape)
        flat, places = x.reshape(-1), index.reshape(-1)
        places = self._torch.where(places < 0, places + flat.shape[0], places)
        return flat.index_select(0, places).reshape(index.shape)

    def gather(self, x: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
        """Numbers are taken for vectors of one element."""
        del sparse_grad
        if x.ndim and index.ndim:
            return NotImplemented
        if index.numel() == 0:
            return x.new_zeros(index.shape)
        return x.reshape(-1).gather(0, index.reshape(-1)).reshape(index.shape)
