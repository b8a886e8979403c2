# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The body of ONNX's `GridSample` of images, which torch-mlir lets read beyond the image."""

from __future__ import annotations

import itertools

import numpy as np

from fairway.ingest.onnx_body import Body

__all__ = ["grid_sample"]

_INT64 = 7  # of TensorProto


def grid_sample(b: Body) -> list[str]:
    """Looks up the nearest or the four neighbours of each place; what is outside counts nothing.

    The image is [images, channels, height, width], the grid [images, rows, columns, 2] with
    a place's column before its row, both from -1 to 1.
    """
    image, grid = b.node.input
    shape, mode = b.shape(0), b.attribute("mode", "linear")
    padding = b.attribute("padding_mode", "zeros")
    if len(shape) != 4 or padding == "reflection" or "cubic" in mode:
        raise KeyError("volumes, mirrors, and curves")
    images, channels, *sizes = shape
    rows, columns = b.shape(1)[1:3]

    def number(value: float) -> str:
        return b.add("CastLike", np.array(value, np.float32), grid)

    zero, one = number(0), number(1)
    # Along each axis: the places to look up, and how much each counts.
    choices: list[list[tuple[str, str]]] = []
    for axis, size in enumerate(sizes):
        place = b.add("Gather", grid, np.array(1 - axis), axis=3)
        if b.attribute("align_corners", 0):
            place = b.add("Mul", b.add("Add", place, one), number((size - 1) / 2))
        else:
            place = b.add("Mul", b.add("Add", place, one), number(size / 2))
            place = b.add("Sub", place, number(0.5))
        if padding == "border":
            place = b.add("Clip", place, zero, number(size - 1))
        if mode == "nearest":
            pairs = [(b.add("Round", place), one)]
        else:
            low = b.add("Floor", place)
            rest = b.add("Sub", place, low)
            pairs = [(low, b.add("Sub", one, rest)), (b.add("Add", low, one), rest)]
        chosen: list[tuple[str, str]] = []
        for where, weight in pairs:
            inside = b.add(
                "And",
                b.add("GreaterOrEqual", where, zero),
                b.add("LessOrEqual", where, number(size - 1)),
            )
            # No number is outside, too, and must not become a place.
            safe = b.add("Cast", b.add("Where", inside, where, zero), to=_INT64)
            chosen.append((safe, b.add("Where", inside, weight, zero)))
        choices.append(chosen)

    flat = b.add("Reshape", image, np.array([images, channels, -1]))
    all_places = np.array([images, channels, rows * columns])
    one_row = np.array([images, 1, rows * columns])
    parts: list[str] = []
    for (row, high), (column, wide) in itertools.product(*choices):
        index = b.add("Add", b.add("Mul", row, np.array(sizes[1])), column)
        index = b.add("Expand", b.add("Reshape", index, one_row), all_places)
        found = b.add("GatherElements", flat, index, axis=2)
        weight = b.add("Reshape", b.add("Mul", high, wide), one_row)
        parts.append(b.add("Mul", found, b.add("CastLike", weight, image)))
    total = parts[0]
    for part in parts[1:]:
        total = b.add("Add", total, part)
    return [b.add("Reshape", total, np.array([images, channels, rows, columns]))]
