# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bodies of ONNX's quantizing operations: one scale for all, for a channel, for a block."""

from __future__ import annotations

from typing import Any

import numpy as np

from fairway.ingest.onnx_body import Body
from fairway.ingest.onnx_read import import_onnx

__all__ = ["dequantize", "quantize", "quantized_product"]

_FLOAT, _INT32 = 1, 6  # of TensorProto


def quantize(b: Body) -> list[str]:
    """The nearest even of the quotient, moved by the zero point and kept in range."""
    x, scale = b.node.input[:2]
    if b.has(2):
        dtype = b.dtypes[b.node.input[2]]
    else:
        helper = import_onnx().helper
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(b.attribute("output_dtype", 0) or 2))
    if dtype.kind not in "iu" or dtype.itemsize > 2:
        raise KeyError("float32 does not hold all of its values")
    value = b.add("Round", b.add("Div", x, b.add("CastLike", _spread(b, scale), x)))
    if b.has(2):
        zero = b.add("Cast", b.node.input[2], to=_INT32)  # no float is made of unsigned ones
        value = b.add("Add", value, b.add("CastLike", _spread(b, zero), x))
    return [_in_range(b, value, dtype)]


def dequantize(b: Body) -> list[str]:
    """The difference from the zero point as 32-bit integers, times the scale."""
    x, scale = b.node.input[:2]
    value = b.add("Cast", x, to=_INT32)
    if b.has(2):
        zero = b.add("Cast", b.node.input[2], to=_INT32)
        value = b.add("Sub", value, _spread(b, zero))
    return [b.add("Mul", b.add("CastLike", value, scale), _spread(b, scale))]


def quantized_product(b: Body) -> list[str]:
    """`QLinearMatMul` of stacks of matrices, whose zero points torch-mlir forgets."""
    left, left_scale, left_zero, right, right_scale, right_zero, scale, zero = b.node.input

    def centred(value: str, point: str, index: int, axis: int) -> str:
        numbers = b.add("Cast", value, to=_INT32)
        point = b.add("Cast", point, to=_INT32)
        return b.add("Sub", numbers, _along(b, point, index, axis))

    a, c = centred(left, left_zero, 2, -2), centred(right, right_zero, 5, -1)
    sums = b.add("Cast", b.add("MatMul", a, c), to=_FLOAT)
    for name, index, axis in ((left_scale, 1, -2), (right_scale, 4, -1)):
        sums = b.add("Mul", sums, _along(b, b.add("Cast", name, to=_FLOAT), index, axis))
    value = b.add("Round", b.add("Div", sums, b.add("Cast", scale, to=_FLOAT)))
    value = b.add("Add", value, b.add("Cast", b.add("Cast", zero, to=_INT32), to=_FLOAT))
    return [_in_range(b, value, b.dtypes[zero])]


def _in_range(b: Body, value: str, dtype: np.dtype[Any]) -> str:
    """Whole floats as integers, the nearest ones where there are no such."""
    limits = np.iinfo(dtype)
    low, high = (
        b.add("CastLike", np.array(limit, np.float32), value) for limit in (limits.min, limits.max)
    )
    number = b.add("Cast", b.add("Clip", value, low, high), to=_INT32)
    return b.add("Cast", number, to=import_onnx().helper.np_dtype_to_tensor_dtype(dtype))


def _along(b: Body, value: str, index: int, axis: int) -> str:
    """A scale or zero point, one for all or for each row (-2) or column (-1)."""
    if len(b.shape(index)) != 1:
        return value
    return b.add("Reshape", value, np.array([-1, 1] if axis == -2 else [1, -1]))


def _spread(b: Body, value: str) -> str:
    """A scale or zero point in a shape that broadcasts to the node's first operand."""
    shape, given = b.shape(0), b.shape(1)
    axis = b.attribute("axis", 1)
    if block := b.attribute("block_size", 0):
        axis %= len(shape)
        return b.add("Gather", value, np.arange(shape[axis]) // block, axis=axis)
    broadcast = [1] * len(shape)
    if given and shape:
        broadcast[axis % len(shape)] = given[0]
    return b.add("Reshape", value, np.array(broadcast, np.int64))
