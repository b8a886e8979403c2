# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The bodies of ONNX operations that put windows back where they lie in an image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fairway.ingest.onnx_body import Body

__all__ = ["col2im", "max_unpool"]

_MOST_PAIRS = 1 << 36  # of elements and places that a program compares in a few seconds


def col2im(b: Body) -> list[str]:
    """Writes the sum of the blocks, along one axis of the image after the other."""
    images, rows, _ = b.shape(0)
    given = (b.constant(1), b.constant(2))
    image, block = (
        [int(size) for size in array.reshape(-1)] for array in given if array is not None
    )
    rank = len(image)
    strides = b.attribute("strides", [1] * rank)
    dilations = b.attribute("dilations", [1] * rank)
    pads = b.attribute("pads", [0] * (2 * rank))
    counts = [
        (image[i] + pads[i] + pads[rank + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1
        for i in range(rank)
    ]
    if 0 in b.shape(0) or min(counts) < 1:
        raise KeyError("an image of nothing")

    # [images, channels, *block, *counts], where the two of an axis come together.
    channels = rows // math.prod(block)
    value = b.add("Reshape", b.node.input[0], np.array([images, channels, *block, *counts]))
    order = [axis for i in range(rank) for axis in (2 + i, 2 + rank + i)]
    value = b.add("Transpose", value, perm=[0, 1, *order])
    shape = [block[i] * counts[i] for i in range(rank)]
    value = b.add("Reshape", value, np.array([images, channels, *shape]))
    for i in range(rank):
        places = _places(image[i], block[i], counts[i], strides[i], dilations[i], pads[i])
        value = _sum(b, value, 2 + rank, 2 + i, places, shape[i])
    return [value]


def max_unpool(b: Body) -> list[str]:
    """Writes a scatter to the places of the maxima, which may be anywhere in the result."""
    x, index = b.node.input[:2]
    shape, kernel = b.shape(0), b.attribute("kernel_shape", [])
    rank, given = len(kernel), b.constant(2)
    strides, pads = b.attribute("strides", [1] * rank), b.attribute("pads", [0] * (2 * rank))
    image = [
        (shape[2 + i] - 1) * strides[i] + kernel[i] - pads[i] - pads[rank + i] for i in range(rank)
    ]
    # The indices count in the image that the attributes give, whatever shape is asked for.
    whole = [*shape[:2], *image]
    if math.prod(shape) * math.prod(whole) > _MOST_PAIRS:
        raise KeyError("more pairs than a program compares in a few seconds")
    zero = b.add("CastLike", np.zeros((), np.float32), x)
    nothing = b.add("Expand", zero, np.array([math.prod(whole)]))
    flat = (b.add("Reshape", value, np.array([-1])) for value in (index, x))
    value = b.add("ScatterElements", nothing, *flat, axis=0)
    value = b.add("Reshape", value, np.array(whole))
    if given is None:
        return [value]
    missing = given.reshape(-1) - np.array(whole)
    if missing.min() < 0:
        raise KeyError("a result smaller than the image")
    return [b.add("Pad", value, np.concatenate([np.zeros_like(missing), missing]), zero)]


def _places(
    size: int, block: int, count: int, stride: int, dilation: int, pad: int
) -> NDArray[np.int64]:
    """The elements that are added up at each place of an axis.

    Args:
        size: The image's.
        block: The elements of a block.
        count: The blocks.
        stride: The places from one block to the next.
        dilation: The places from one element of a block to the next.
        pad: The places before the image.

    Returns:
        Their numbers (element * count + block), [size, most]; block * count where there are
        no more.
    """
    element, number = np.divmod(np.arange(block * count), count)
    hits = element * dilation + number * stride - pad == np.arange(size)[:, None]
    most = int(hits.sum(1).max())
    found = np.where(hits, np.arange(block * count), block * count)
    return np.sort(found, axis=1)[:, : max(most, 1)]


def _sum(b: Body, value: str, rank: int, axis: int, places: NDArray[np.int64], size: int) -> str:
    """The sums of the elements of an axis at `places` [sums, terms]; at `size` there is zero."""
    if (places == size).any():
        pads = np.zeros(2 * rank, np.int64)
        pads[rank + axis] = 1
        zero = b.add("CastLike", np.zeros((), np.float32), b.node.input[0])
        value = b.add("Pad", value, pads, zero)
    value = b.add("Gather", value, places, axis=axis)
    return b.add("ReduceSum", value, np.array([axis + 1]), keepdims=0)
