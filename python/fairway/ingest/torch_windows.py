# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pooling that torch-mlir lacks: of single images, and into a given number of windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["window_table"]


def window_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    batched = {
        aten.avg_pool2d.default: 2,
        aten.avg_pool3d.default: 3,
        aten.max_pool2d_with_indices.default: 2,
        aten.max_pool3d_with_indices.default: 3,
    }
    table = {
        operation: _of_one(torch, operation, spatial) for operation, spatial in batched.items()
    }
    table |= {
        aten.adaptive_max_pool2d.default: rules.adaptive_max_pool,
        aten.adaptive_max_pool3d.default: rules.adaptive_max_pool,
        aten._adaptive_avg_pool2d.default: rules.adaptive_avg_pool,
        aten._adaptive_avg_pool3d.default: rules.adaptive_avg_pool,
        aten.adaptive_avg_pool2d.default: rules.adaptive_avg_pool,
        aten.adaptive_avg_pool3d.default: rules.adaptive_avg_pool,
    }
    return table


def _of_one(torch: Any, operation: Any, spatial: int) -> Callable[..., Any]:
    """An image without a batch is a batch of one."""

    def pool(x: Any, *args: Any, **kwargs: Any) -> Any:
        if x.ndim == spatial + 2:
            return NotImplemented
        found = operation(x.unsqueeze(0), *args, **kwargs)
        return torch.utils._pytree.tree_map(lambda result: result.squeeze(0), found)

    return pool


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def adaptive_avg_pool(self, x: Any, size: Sequence[int]) -> Any:
        """Means over windows as those of `adaptive_max_pool`, along one dimension after another.

        Args:
            x: [..., *image].
            size: How many windows there are along each dimension of the image.

        Returns:
            The means, [..., *size].
        """
        torch = self._torch
        if x.numel() == 0 or 0 in size:
            return x.new_zeros([*x.shape[: -len(size)], *size])
        if all(d % n == 0 for d, n in zip(x.shape[-len(size) :], size, strict=True)):
            # Windows of one size, which torch-mlir has for batches.
            operation = getattr(torch.ops.aten, f"_adaptive_avg_pool{len(size)}d").default
            return _of_one(torch, operation, len(size))(x, size)
        kind = x.dtype
        x = x.float() if kind in (torch.float16, torch.bfloat16) else x
        for dim, windows in enumerate(size, start=x.ndim - len(size)):
            index, taps = self._windows(x.shape[dim], windows)
            lines = x.movedim(dim, -1)
            taken = lines.index_select(-1, index.reshape(-1))
            taken = taken.reshape([*lines.shape[:-1], *index.shape])
            counts = torch.arange(index.shape[1]) < taps.unsqueeze(-1)
            total = torch.where(counts, taken, torch.zeros((), dtype=x.dtype)).sum(-1)
            x = (total / taps.to(x.dtype)).movedim(-1, dim)
        return x.to(kind)

    def adaptive_max_pool(self, x: Any, size: Sequence[int]) -> tuple[Any, Any]:
        """Maxima over windows that share an image among them as evenly as they can.

        Window i of n along a dimension of d elements is [floor(i d / n), ceil((i + 1) d / n)).
        A shorter one repeats its last element, which changes no maximum.

        Args:
            x: [..., *image].
            size: How many windows there are along each dimension of the image.

        Returns:
            The maxima, [..., *size], and where in the flat image each is, int64.
        """
        torch = self._torch
        count, image = len(size), x.shape[-len(size) :]
        if x.numel() == 0 or 0 in size:
            shape = [*x.shape[:-count], *size]
            return x.new_zeros(shape), x.new_zeros(shape, dtype=torch.int64)
        places = torch.zeros((), dtype=torch.int64)
        for extent, windows in zip(image, size, strict=True):
            index, _ = self._windows(extent, windows)
            places = (places * extent).reshape([*places.shape, 1, 1]) + index
        # [windows, taps, windows, taps, ...] becomes [*windows, *taps].
        places = places.permute([*range(0, 2 * count, 2), *range(1, 2 * count, 2)])
        places = places.reshape(math.prod(size), -1)
        flat = x.reshape([*x.shape[:-count], math.prod(image)])
        taken = flat.index_select(-1, places.reshape(-1))
        taken = taken.reshape([*flat.shape[:-1], *places.shape])
        tap = taken.argmax(-1, keepdim=True)
        maxima = taken.amax(-1)
        where = (torch.arange(places.shape[1]) == tap) * places
        shape = [*x.shape[:-count], *size]
        return maxima.reshape(shape), where.sum(-1).reshape(shape)

    def _windows(self, extent: int, windows: int) -> tuple[Any, Any]:
        """The elements of each window along a dimension, [windows, taps], and how many it has.

        Where that is less than the most, the last one is repeated.
        """
        torch = self._torch
        number = torch.arange(windows)
        start = (number * extent) // windows
        end = ((number + 1) * extent + windows - 1) // windows
        taps = max(-(-(i + 1) * extent // windows) - i * extent // windows for i in range(windows))
        index = torch.minimum(start.unsqueeze(-1) + torch.arange(taps), (end - 1).unsqueeze(-1))
        return index, end - start
