# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations that write to computed places, as selections and sums over the places.

torch-mlir makes each a loop over the updates with a dialect of its own. Here each element of
the result looks for the updates that it gets: `index == place` is a mask that is never stored,
since its reduction is one kernel with it. That is more work where there are many places and
many updates, but all of it runs in vectors and in parallel, and its order is fixed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["scatter_table"]

_MOST_PLACES = 4096  # to count those before each takes the square of their number


def scatter_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    return {
        aten.scatter.value: rules.scatter_value,
        aten.scatter.src: rules.scatter_src,
        aten.scatter.reduce: rules.scatter_with,
        aten.scatter.value_reduce: rules.scatter_with,
        aten.scatter_add.default: rules.scatter_add,
        aten.scatter_reduce.two: rules.scatter_reduce,
        aten.index_put.default: rules.index_put,
        aten._unsafe_index_put.default: rules.index_put,
        aten.masked_scatter.default: rules.masked_scatter,
        aten.put.default: rules.put,
        aten.index_reduce.default: rules.index_reduce,
        aten.embedding_dense_backward.default: rules.embedding_dense_backward,
        aten.max_pool2d_with_indices_backward.default: rules.max_pool2d_backward,
    }


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def _lanes(self, x: Any, dim: int, index: Any, source: Any = None) -> tuple[Any, Any, Any]:
        """The three with `dim` last; where `index` covers less of x, no place is hit."""
        torch = self._torch
        if x.ndim == 0:
            x, index = x.reshape(1), index.reshape(1)
            source = None if source is None else source.reshape(1)
        if source is not None:  # of which an index may use a part
            for axis, size in enumerate(index.shape):
                source = source.narrow(axis, 0, size)
        missing = [0 if axis == dim % x.ndim else x.shape[axis] - size
                   for axis, size in enumerate(index.shape)]  # fmt: skip
        if any(missing):
            pads = [pad for size in reversed(missing) for pad in (0, size)]
            index = torch.constant_pad_nd(index, pads, -1)
            source = None if source is None else torch.constant_pad_nd(source, pads, 0)
        moved = None if source is None else source.movedim(dim, -1)
        return x.movedim(dim, -1), index.movedim(dim, -1), moved

    def _hits(self, index: Any, size: int) -> Any:
        """`[..., place, update]`: whether the update goes there."""
        places = self._torch.arange(size, device=index.device)
        return index.unsqueeze(-2) == places.unsqueeze(-1)

    def scatter_value(self, x: Any, dim: int, index: Any, value: Any) -> Any:
        if index.numel() == 0:
            return x.clone()
        lanes, index, _ = self._lanes(x, dim, index)
        hit = self._hits(index, lanes.shape[-1]).any(-1)
        filled = self._torch.full((), value, dtype=x.dtype, device=x.device)
        return self._back(self._torch.where(hit, filled, lanes), x, dim)

    def scatter_src(self, x: Any, dim: int, index: Any, source: Any) -> Any:
        if index.numel() == 0:
            return x.clone()
        lanes, index, source = self._lanes(x, dim, index, source)
        last = self._last(self._hits(index, lanes.shape[-1]))
        chosen = source.gather(-1, last.clamp(min=0))
        return self._back(self._torch.where(last >= 0, chosen, lanes), x, dim)

    def scatter_with(self, x: Any, dim: int, index: Any, source: Any, *, reduce: str) -> Any:
        """Adds or multiplies updates, tensors or one number."""
        torch = self._torch
        if not isinstance(source, torch.Tensor):
            source = torch.full(index.shape, source, dtype=x.dtype, device=x.device)
        how = {"add": "sum", "multiply": "prod"}[reduce]
        return self.scatter_reduce(x, dim, index, source, how)

    def scatter_add(self, x: Any, dim: int, index: Any, source: Any) -> Any:
        return self.scatter_reduce(x, dim, index, source, "sum")

    def scatter_reduce(
        self, x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
    ) -> Any:
        torch = self._torch
        if index.numel() == 0:
            return x.clone()
        lanes, index, source = self._lanes(x, dim, index, source)
        hits, terms = self._hits(index, lanes.shape[-1]), source.unsqueeze(-2)
        if reduce in ("sum", "mean"):
            found = torch.where(hits, terms, torch.zeros_like(terms)).sum(-1, dtype=x.dtype)
            result = lanes + found if include_self else found
            if reduce == "mean":
                count = hits.sum(-1) + (1 if include_self else 0)
                rounding = None if x.dtype.is_floating_point else "floor"
                divisor = count.clamp(min=1).to(x.dtype)
                result = torch.div(result, divisor, rounding_mode=rounding)
        elif reduce == "prod":
            found = torch.where(hits, terms, torch.ones_like(terms)).prod(-1, dtype=x.dtype)
            result = lanes * found if include_self else found
        else:
            largest = reduce == "amax"
            if x.dtype == torch.bool:
                lanes, terms = lanes.to(torch.uint8), terms.to(torch.uint8)
            if x.dtype.is_floating_point:
                worst = -math.inf if largest else math.inf
            else:
                limits = torch.iinfo(terms.dtype)
                worst = limits.min if largest else limits.max
            masked = torch.where(hits, terms, torch.full_like(terms, worst))
            found = masked.amax(-1) if largest else masked.amin(-1)
            join = torch.maximum if largest else torch.minimum
            result = join(lanes, found) if include_self else found
        if not include_self:
            result = torch.where(hits.any(-1), result, lanes)
        return self._back(result.to(x.dtype), x, dim)

    def _last(self, hits: Any) -> Any:
        """The number of the last update of each place, -1 where there is none."""
        torch = self._torch
        numbers = torch.arange(hits.shape[-1], device=hits.device)
        return torch.where(hits, numbers, torch.full_like(numbers, -1)).amax(-1)

    def _back(self, lanes: Any, x: Any, dim: int) -> Any:
        return lanes.reshape(x.shape) if x.ndim == 0 else lanes.movedim(-1, dim)

    def index_put(
        self, x: Any, indices: Sequence[Any], values: Any, accumulate: bool = False, *_: Any
    ) -> Any:
        torch = self._torch
        given = [axis for axis, index in enumerate(indices) if index is not None]
        if any(indices[axis].dtype in (torch.bool, torch.uint8) for axis in given):
            rest = x.ndim - given[0] - indices[given[0]].ndim
            counted = values.ndim > rest and values.shape[values.ndim - rest - 1] != 1
            if len(given) > 1 or counted:
                return NotImplemented  # how many there are depends on the mask's values
            return self._put_where(
                x, indices[given[0]].to(torch.bool), given[0], values, accumulate
            )
        rest = [axis for axis in range(x.ndim) if axis not in given]
        adjacent = given == list(range(given[0], given[-1] + 1))
        chosen = torch.broadcast_tensors(*(indices[axis] for axis in given))
        shape = list(chosen[0].shape)
        before = given[0] if adjacent else 0
        kept = [x.shape[axis] for axis in rest]
        values = values.expand(kept[:before] + shape + kept[before:])
        # Updates first, what they all keep behind.
        values = values.movedim(
            list(range(before, before + len(shape))), list(range(len(shape)))
        ).reshape(math.prod(shape), math.prod(kept))
        place = torch.zeros_like(chosen[0])
        for axis, index in zip(given, chosen, strict=True):
            place = place * x.shape[axis] + torch.where(index < 0, index + x.shape[axis], index)
        moved = x.permute(given + rest)
        flat = moved.reshape(math.prod(x.shape[axis] for axis in given), math.prod(kept))
        if values.numel() == 0:
            return x.clone()
        hits = self._hits(place.reshape(-1), flat.shape[0])
        if accumulate:
            terms = torch.where(hits.unsqueeze(-1), values, torch.zeros_like(values))
            # A sum of bools is whether one holds.
            is_bool = x.dtype == torch.bool
            result = flat | terms.any(1) if is_bool else flat + terms.sum(1, dtype=x.dtype)
        else:
            last = self._last(hits)
            result = values.index_select(0, last.clamp(min=0))
            result = torch.where((last >= 0).unsqueeze(-1), result, flat)
        order = given + rest
        return result.reshape(moved.shape).permute([order.index(axis) for axis in range(x.ndim)])

    def _put_where(self, x: Any, mask: Any, axis: int, values: Any, accumulate: bool) -> Any:
        """Puts values where a mask of the dimensions from `axis` on holds, in its order."""
        torch = self._torch
        rest = x.ndim - axis - mask.ndim
        if values.ndim > rest and values.shape[-rest - 1] != 1:
            if axis or mask.numel() > _MOST_PLACES:
                return NotImplemented
            number = mask.reshape(-1).to(torch.int64).cumsum(0) - 1
            last = values.shape[0] - 1
            values = values.index_select(0, number.clamp(min=0, max=last))
            values = values.reshape(list(mask.shape) + list(values.shape[1:]))
        elif values.ndim > rest:
            values = values.reshape(list(values.shape[: -rest - 1]) + [1] * mask.ndim +
                                    list(values.shape[values.ndim - rest :]))  # fmt: skip
        values = values.to(x.dtype)
        shown = mask.reshape([1] * axis + list(mask.shape) + [1] * rest)
        return torch.where(shown, x + values if accumulate else values, x)

    def masked_scatter(self, x: Any, mask: Any, source: Any) -> Any:
        """Puts the source's elements, in order, where a mask holds."""
        shape = self._torch.broadcast_shapes(x.shape, mask.shape)
        if math.prod(shape) > _MOST_PLACES:
            return NotImplemented
        if 0 in shape or source.numel() == 0:
            return x.expand(shape).clone()
        values = source.reshape(-1)
        return self._put_where(x.expand(shape), mask.expand(shape), 0, values, False)

    def put(self, x: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
        flat = self._torch.index_put(
            x.reshape(-1), [index.reshape(-1)], source.reshape(-1), accumulate
        )
        return flat.reshape(x.shape)

    def index_reduce(
        self, x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
    ) -> Any:
        if x.ndim == 0:
            x, source = x.reshape(1), source.reshape(1)
            return self.index_reduce(
                x, 0, index.reshape(-1), source, reduce, include_self=include_self
            ).reshape(())
        shape = [1] * x.ndim
        shape[dim] = source.shape[dim]
        places = index.reshape(shape).expand(source.shape)
        return self.scatter_reduce(x, dim, places, source, reduce, include_self=include_self)

    def embedding_dense_backward(
        self, gradient: Any, indices: Any, size: int, padding: int, by_frequency: bool
    ) -> Any:
        torch = self._torch
        places = indices.reshape(-1)
        hits = self._hits(places, size)
        if padding >= 0:
            hits = hits & (places != padding)
        rows = gradient.reshape(places.shape[0], -1)
        if by_frequency:
            counts = (places.unsqueeze(-1) == places).sum(-1).to(rows.dtype)
            rows = rows / counts.unsqueeze(-1)
        return torch.where(hits.unsqueeze(-1), rows, torch.zeros_like(rows)).sum(1)

    def max_pool2d_backward(
        self,
        gradient: Any,
        x: Any,
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        ceil_mode: bool,
        indices: Any,
    ) -> Any:
        """For each place in the window, the gradients of those windows whose maximum is there."""
        torch = self._torch
        del ceil_mode  # the gradient's shape shows it
        kernel, padding, dilation = (
            list(sizes) * (2 // len(sizes)) for sizes in (kernel, padding, dilation)
        )
        stride = list(stride) * (2 // len(stride)) if stride else kernel
        height, width = x.shape[-2:]
        rows, columns = (
            torch.arange(size, device=x.device) * step - pad
            for size, step, pad in zip(gradient.shape[-2:], stride, padding, strict=True)
        )
        extents = [
            max((count - 1) * step + (taps - 1) * gap + 1, size + pad)
            for count, step, taps, gap, size, pad in zip(
                gradient.shape[-2:], stride, kernel, dilation, (height, width), padding, strict=True
            )
        ]
        total = gradient.new_zeros([*x.shape[:-2], *extents])
        for i, j in itertools.product(range(kernel[0]), range(kernel[1])):
            place = (rows + i * dilation[0]).unsqueeze(-1) * width + (columns + j * dilation[1])
            part = torch.where(indices == place, gradient, torch.zeros_like(gradient))
            lines = gradient.new_zeros([*x.shape[:-2], gradient.shape[-2], extents[1]])
            lines = self._spread(lines, part, -1, j * dilation[1], stride[1])
            total = total + self._spread(
                torch.zeros_like(total), lines, -2, i * dilation[0], stride[0]
            )
        return total[..., padding[0] : padding[0] + height, padding[1] : padding[1] + width]

    def _spread(self, into: Any, part: Any, dim: int, start: int, step: int) -> Any:
        end = start + (part.shape[dim] - 1) * step + 1
        return self._torch.slice_scatter(into, part, dim, start, end, step)
