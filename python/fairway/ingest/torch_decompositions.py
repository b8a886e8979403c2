# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decompositions of PyTorch operations that torch-mlir cannot bring down to linalg.

Each takes what the operation takes and computes it by operations that it can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairway.ingest._torch_mlir import import_torch_mlir
from fairway.ingest.torch_determinant import determinant_table
from fairway.ingest.torch_linalg import linalg_table
from fairway.ingest.torch_pointwise import pointwise_table
from fairway.ingest.torch_products import product_table
from fairway.ingest.torch_promotion import promotion_table
from fairway.ingest.torch_reductions import reduction_table
from fairway.ingest.torch_scatter import scatter_table
from fairway.ingest.torch_sort import sort_table
from fairway.ingest.torch_special import special_table
from fairway.ingest.torch_views import view_table
from fairway.ingest.torch_windows import window_table

__all__ = ["decomposition_table"]


def decomposition_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives torch-mlir's table with the additions of this module and its neighbours."""
    aten = torch.ops.aten
    table = dict(import_torch_mlir("extras.fx_decomp_util").get_decomposition_table())
    table[aten.convolution.default] = _convolution(torch)
    for more in (
        determinant_table,
        linalg_table,
        pointwise_table,
        product_table,
        promotion_table,
        reduction_table,
        scatter_table,
        sort_table,
        special_table,
        view_table,
        window_table,
    ):
        table |= more(torch)
    return table


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
