# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decompositions of PyTorch operations that torch-mlir cannot bring down to linalg.

Each takes what the operation takes and computes it by operations that it can.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fairway.ingest._torch_mlir import import_torch_mlir
from fairway.ingest.torch_determinant import determinant_table
from fairway.ingest.torch_scatter import scatter_table
from fairway.ingest.torch_sort import sort_table

__all__ = ["decomposition_table"]


def decomposition_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives torch-mlir's table with the additions of this module and its neighbours."""
    aten = torch.ops.aten
    table = dict(import_torch_mlir("extras.fx_decomp_util").get_decomposition_table())
    table[aten.convolution.default] = _convolution(torch)
    table[aten.cumsum.default] = _cumsum(torch)
    table[aten.gelu.default] = _gelu(torch)
    table[aten.pow.Tensor_Scalar] = _pow(torch)
    table[aten.sum.dim_IntList] = _sum(torch, aten.sum.dim_IntList)
    table[aten.mean.dim] = _sum(torch, aten.mean.dim)
    return table | determinant_table(torch) | scatter_table(torch) | sort_table(torch)


def _convolution(torch: Any) -> Callable[..., Any]:
    """Two kinds that torch-mlir lacks: transposed depthwise, and grouped in 3-D."""

    def convolution(
        x: Any,
        weight: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
    ) -> Any:
        spatial = x.ndim - 2
        stride, padding, dilation, output_padding = (
            list(values) * (spatial // len(values))
            for values in (stride, padding, dilation, output_padding)
        )
        if transposed and groups > 1 and weight.shape[0] == groups and weight.shape[1] == 1:
            # A convolution of the image with zeros between its elements.
            for i, size in enumerate(weight.shape[2:]):
                low = dilation[i] * (size - 1) - padding[i]
                if low < 0:
                    return NotImplemented
                end = low + (x.shape[2 + i] - 1) * stride[i] + 1
                shape = list(x.shape)
                shape[2 + i] = end + low + output_padding[i]
                x = torch.slice_scatter(x.new_zeros(shape), x, 2 + i, low, end, stride[i])
            flipped = weight.flip(list(range(2, x.ndim)))
            ones, zeros = [1] * spatial, [0] * spatial
            return torch.ops.aten.convolution(
                x, flipped, bias, ones, zeros, dilation, False, zeros, groups
            )
        if spatial == 3 and groups > 1 and not transposed:
            # A sum over the window's planes, each a convolution of all images.
            x = torch.nn.functional.pad(x, (0, 0, 0, 0, padding[0], padding[0]))
            depth = (x.shape[2] - dilation[0] * (weight.shape[2] - 1) - 1) // stride[0] + 1
            total = None
            for tap in range(weight.shape[2]):
                first = tap * dilation[0]
                planes = x[:, :, first : first + (depth - 1) * stride[0] + 1 : stride[0]]
                images = planes.transpose(1, 2).flatten(0, 1)
                part = torch.ops.aten.convolution(
                    images, weight[:, :, tap], None, stride[1:], padding[1:], dilation[1:],
                    False, [0, 0], groups,
                )  # fmt: skip
                total = part if total is None else total + part
            assert total is not None
            y = total.unflatten(0, (-1, depth)).transpose(1, 2)
            return y if bias is None else y + bias.reshape(1, -1, 1, 1, 1)
        return NotImplemented

    return convolution


def _cumsum(torch: Any) -> Callable[..., Any]:
    """A running sum as a masked reduction; torch-mlir makes it a scan of its own."""

    def cumsum(x: Any, dim: int, *, dtype: Any = None) -> Any:
        if dtype is None:
            integral = not (x.dtype.is_floating_point or x.dtype.is_complex)
            dtype = torch.int64 if integral else x.dtype
        x = x.to(dtype)
        if x.ndim == 0:
            return x.clone()
        x = x.movedim(dim, -1)
        index = torch.arange(x.shape[-1], device=x.device)
        keep = index.unsqueeze(-1) >= index  # keep[i, j]: element j counts for sum i
        terms = torch.where(keep, x.unsqueeze(-2), torch.zeros((), dtype=dtype, device=x.device))
        return terms.sum(-1, dtype=dtype).movedim(-1, dim)

    return cumsum


def _gelu(torch: Any) -> Callable[..., Any]:
    """The tanh form; torch-mlir's has 0.797724 where sqrt(2 / pi) is 0.797885."""

    def gelu(x: Any, *, approximate: str = "none") -> Any:
        if approximate != "tanh":
            return NotImplemented
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + torch.tanh(inner))

    return gelu


def _pow(torch: Any) -> Callable[..., Any]:
    """Small whole powers as products, which is how PyTorch computes squares and cubes."""

    def power(x: Any, exponent: Any) -> Any:
        if not x.dtype.is_floating_point or exponent not in (2, 3):
            return NotImplemented
        square = x * x
        return square * x if exponent == 3 else square

    return power


def _sum(torch: Any, operation: Any) -> Callable[..., Any]:
    """Sums of 16-bit floats are rounded once, at their end, as PyTorch's are."""

    def reduce(x: Any, dim: Any, keepdim: bool = False, *, dtype: Any = None) -> Any:
        dtype = dtype or x.dtype
        if x.dtype not in (torch.float16, torch.bfloat16) or dtype != x.dtype:
            return NotImplemented
        return operation(x.float(), dim, keepdim).to(dtype)

    return reduce
