# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's Resize as a matrix along each axis: every result is a weighted sum of elements.

Follows the text of the standard (https://onnx.ai/onnx/operators/onnx__Resize.html).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["resize_matrices"]


def resize_matrices(
    shape: Sequence[int],
    result: Sequence[int],
    axes: Sequence[int],
    scales: NDArray[np.float32] | None,
    sizes: NDArray[np.int64] | None,
    *,
    policy: str,
    mode: str,
    transformation: str,
    rounding: str,
    cubic: float,
    exclude_outside: bool,
    antialias: bool,
) -> dict[int, NDArray[np.float64]]:
    """The matrices `[result, element]` of the axes that change.

    Args:
        shape: The image's.
        result: The resized image's.
        axes: The axes that `scales` are for.
        scales: The node's; None where it has sizes.
        sizes: What the node asks for, which an aspect ratio may change.
        policy: Which scale counts where sizes keep the image's aspect ratio.
        mode: `nearest`, `linear` or `cubic`.
        transformation: How a place of the result becomes one of the image.
        rounding: How `nearest` rounds.
        cubic: The coefficient a of cubic interpolation.
        exclude_outside: Whether places outside of the image count nothing.
        antialias: Whether smaller images average over more elements.
    """
    if scales is not None:
        factors = dict(zip(axes, map(float, scales)))
    else:
        assert sizes is not None
        factors = {axis: int(size) / shape[axis] for axis, size in zip(axes, sizes)}
        if policy != "stretch":
            chosen = min(factors.values()) if policy == "not_larger" else max(factors.values())
            factors = dict.fromkeys(axes, chosen)
    return {
        axis: _matrix(
            shape[axis], result[axis], factor, mode, transformation, rounding, cubic,
            exclude_outside, antialias,
        )
        for axis, factor in factors.items()
        if factor != 1 or shape[axis] != result[axis]
    }  # fmt: skip


def _matrix(
    size: int,
    length: int,
    scale: float,
    mode: str,
    transformation: str,
    rounding: str,
    cubic: float,
    exclude_outside: bool,
    antialias: bool,
) -> NDArray[np.float64]:
    matrix = np.zeros((length, size))
    for row in range(length):
        place = _source(row, size, length, scale, transformation)
        if mode == "nearest":
            first, weights = _nearest(place, rounding), np.ones(1)
        else:
            first, weights = _window(place, scale if antialias else 1.0, mode, cubic)
        if exclude_outside:
            inside = (np.arange(len(weights)) + first >= 0) & (
                np.arange(len(weights)) + first < size
            )
            weights = np.where(inside, weights, 0)
            weights = weights / weights.sum()
        for offset, weight in enumerate(weights):
            matrix[row, min(max(first + offset, 0), size - 1)] += weight
    return matrix


def _source(row: int, size: int, length: int, scale: float, transformation: str) -> float:
    """The place of the image that a place of the result stands for."""
    if transformation == "asymmetric":
        return row / scale
    if transformation == "align_corners":
        return 0.0 if length == 1 else row * (size - 1) / (scale * size - 1)
    if transformation == "pytorch_half_pixel" and length == 1:
        return -0.5
    place = (row + 0.5) / scale - 0.5
    if transformation == "half_pixel_symmetric":
        adjustment = length / (scale * size)
        place += size / 2 * (1 - adjustment)
    return place


def _nearest(place: float, rounding: str) -> int:
    if rounding == "floor":
        return math.floor(place)
    if rounding == "ceil":
        return math.ceil(place)
    if rounding == "round_prefer_ceil":
        return math.floor(place + 0.5)
    return math.ceil(place - 0.5)


def _window(place: float, scale: float, mode: str, cubic: float) -> tuple[int, NDArray[np.float64]]:
    """The first element that counts, and the weights from there on."""
    scale = min(scale, 1.0)
    reach = (2 if mode == "cubic" else 1) / scale
    first = math.floor(place - reach) + 1
    distance = np.abs(np.arange(first, math.ceil(place + reach)) - place) * scale
    if mode == "linear":
        weights = np.clip(1 - distance, 0, 1)
    else:
        near = ((cubic + 2) * distance - (cubic + 3)) * distance * distance + 1
        far = ((cubic * distance - 5 * cubic) * distance + 8 * cubic) * distance - 4 * cubic
        weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return first, weights / weights.sum()
