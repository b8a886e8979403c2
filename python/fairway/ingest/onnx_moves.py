# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bodies of ONNX's operations that only move or number elements."""

from __future__ import annotations

import numpy as np

from fairway.ingest.onnx_body import Body

__all__ = ["backward_slice", "number_range", "reverse_sequence", "space_to_depth", "wrap"]


def space_to_depth(b: Body) -> list[str]:
    """With the places of a block inside of a channel (`mode` is CRD)."""
    if b.attribute("mode", "DCR") != "CRD":
        raise KeyError("torch-mlir has the other mode")
    images, channels, height, width = b.shape(0)
    size = b.attribute("blocksize", 1)
    shape = [images, channels, height // size, size, width // size, size]
    value = b.add("Reshape", b.node.input[0], np.array(shape))
    value = b.add("Transpose", value, perm=[0, 1, 3, 5, 2, 4])
    shape = [images, channels * size * size, height // size, width // size]
    return [b.add("Reshape", value, np.array(shape))]


def wrap(b: Body) -> list[str]:
    """Padding from the other end, over which torch-mlir never comes to an end."""
    pads = b.constant(1)
    if b.attribute("mode", "constant") != "wrap" or pads is None:
        raise KeyError("torch-mlir has the other modes")
    shape, given = b.shape(0), b.constant(3)
    axes = range(len(shape)) if given is None else given.reshape(-1)
    value = b.node.input[0]
    for axis, before, after in zip(axes, pads, pads[len(axes) :]):
        size = shape[int(axis)]
        if before or after:
            index = np.arange(-int(before), size + int(after)) % size
            value = b.add("Gather", value, index, axis=int(axis))
    return [value]


def backward_slice(b: Body) -> list[str]:
    """A slice that walks backwards, of which torch-mlir makes one beyond the tensor."""
    shape, steps = b.shape(0), b.constant(4)
    starts, ends, axes = b.constant(1), b.constant(2), b.constant(3)
    if steps is None or starts is None or ends is None or (steps > 0).all():
        raise KeyError("torch-mlir has it forwards")
    value = b.node.input[0]
    for axis, *bounds in zip(range(len(shape)) if axes is None else axes, starts, ends, steps):
        size = shape[int(axis)]
        start, end, step = (int(bound) for bound in bounds)
        # Of a negative end that is beyond the begin, Python would make one from the end.
        stop = None if step < 0 and end < -size else end
        index = np.arange(size)[start:stop:step].copy()
        value = b.add("Gather", value, index, axis=int(axis))
    return [value]


def reverse_sequence(b: Body) -> list[str]:
    """Each element of the batch is turned around up to its length."""
    x, lengths = b.node.input
    shape = b.shape(0)
    batch, time = b.attribute("batch_axis", 1), b.attribute("time_axis", 0)
    number = np.arange(shape[time])
    length = b.unsqueeze(lengths, -1)
    turned = b.add("Sub", b.add("Sub", length, np.array([1])), number)
    index = b.add("Where", b.add("Less", number, length), turned, number)  # [batch, time]
    if time < batch:
        index = b.add("Transpose", index, perm=[1, 0])
    ones = [size if axis in (batch, time) else 1 for axis, size in enumerate(shape)]
    index = b.add("Expand", b.add("Reshape", index, np.array(ones)), np.array(shape))
    return [b.add("GatherElements", x, index, axis=time)]


def number_range(b: Body) -> list[str]:
    """Numbers that are known, in a dtype that torch-mlir makes none of."""
    start, limit, step = (b.constant(index) for index in range(3))
    assert start is not None and limit is not None and step is not None
    wide = [float(value.reshape(-1)[0]) for value in (start, limit, step)]
    if start.dtype.kind in "iu":
        wide = [int(value) for value in wide]
    return [b.add("Identity", np.arange(*wide).astype(start.dtype))]
