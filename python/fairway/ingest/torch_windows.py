# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pooling that torch-mlir lacks: of single images, of integers, into a number of windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["window_table"]


def window_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    return {
        aten.avg_pool2d.default: _of_one(torch, aten.avg_pool2d.default, 2),
        aten.avg_pool3d.default: _of_one(torch, aten.avg_pool3d.default, 3),
        aten.max_pool2d_with_indices.default: rules.max_pool(2),
        aten.max_pool3d_with_indices.default: rules.max_pool(3),
        aten.adaptive_max_pool2d.default: rules.adaptive_max_pool,
        aten.adaptive_max_pool3d.default: rules.adaptive_max_pool,
        aten._adaptive_avg_pool2d.default: rules.adaptive_avg_pool,
        aten._adaptive_avg_pool3d.default: rules.adaptive_avg_pool,
        aten.adaptive_avg_pool2d.default: rules.adaptive_avg_pool,
        aten.adaptive_avg_pool3d.default: rules.adaptive_avg_pool,
    }


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
        return self._maxima(x, [self._windows(d, n)[0] for d, n in zip(image, size, strict=True)])

    def max_pool(self, spatial: int) -> Callable[..., Any]:
        """Maxima over windows and their places; those of whole numbers by taking each apart."""
        operation = getattr(self._torch.ops.aten, f"max_pool{spatial}d_with_indices").default
        of_floats = _of_one(self._torch, operation, spatial)

        def of_whole_numbers(
            x: Any,
            kernel: Sequence[int],
            stride: Sequence[int] = (),
            padding: Sequence[int] = (0,),
            dilation: Sequence[int] = (1,),
            ceil_mode: bool = False,
        ) -> Any:
            sizes = (
                [*values] * (spatial // len(values))
                for values in (kernel, stride or kernel, padding, dilation)
            )
            given = list(zip(x.shape[-spatial:], *sizes, strict=True))
            if any(dilation > extent for extent, *_, dilation in given):
                return NotImplemented  # a window may have no element
            return self._maxima(x, [self._padded_windows(each, ceil_mode) for each in given])

        def pool(x: Any, *args: Any) -> Any:
            is_whole = not x.dtype.is_floating_point and x.numel() > 0
            return (of_whole_numbers if is_whole else of_floats)(x, *args)

        return pool

    def _maxima(self, x: Any, windows: Sequence[Any]) -> tuple[Any, Any]:
        """The maxima of windows, and where in the flat image each is.

        Args:
            x: [..., *image].
            windows: For each dimension of the image the elements of each window, [windows, taps];
                one may come several times.
        """
        torch = self._torch
        count = len(windows)
        image, size = x.shape[-count:], [index.shape[0] for index in windows]
        places = torch.zeros((), dtype=torch.int64)
        for extent, index in zip(image, windows, strict=True):
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

    def _padded_windows(self, sizes: tuple[int, ...], ceil_mode: bool) -> Any:
        """The elements of each window along a dimension, [windows, taps].

        A tap in the padding stands for the nearest one in the image, which changes no maximum.

        Args:
            sizes: Of the image, the kernel, the stride, the padding and the dilation.
            ceil_mode: Whether a window may end behind the padding.
        """
        torch = self._torch
        extent, kernel, stride, padding, dilation = sizes
        room = extent + 2 * padding - dilation * (kernel - 1) - 1
        windows = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
        if (windows - 1) * stride >= extent + padding:
            windows -= 1  # one that would begin in the padding behind the image
        start = torch.arange(windows).unsqueeze(-1) * stride - padding
        taps = dilation * torch.arange(kernel)
        before = (-start + dilation - 1).clamp(min=0) // dilation * dilation
        behind = (extent - 1 - start).clamp(min=0) // dilation * dilation
        return start + torch.minimum(torch.maximum(taps, before), behind)

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
