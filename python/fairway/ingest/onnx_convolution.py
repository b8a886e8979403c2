# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bodies of ONNX's operations with windows, in the kinds that torch-mlir lacks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fairway.ingest.onnx_body import Body

__all__ = [
    "convolve_integers",
    "is_padded_mean",
    "padded_mean",
    "power_pool",
    "transposed_convolution",
]


def transposed_convolution(b: Body) -> list[str]:
    """In groups, or padded in some other way than alike at both ends.

    Each group is a convolution of its own. Padding cuts off the result, so one that is not
    alike at both ends is a slice of the result without padding.
    """
    (_, channels, *sizes), (_, width, *kernel) = b.shape(0), b.shape(1)
    groups, ones = b.attribute("group", 1), [1] * len(sizes)
    strides, dilations = b.attribute("strides", ones), b.attribute("dilations", ones)
    extra = b.attribute("output_padding", [0] * len(sizes))
    full = [
        stride * (size - 1) + more + dilation * (length - 1) + 1
        for size, length, stride, dilation, more in zip(
            sizes, kernel, strides, dilations, extra, strict=True
        )
    ]
    pads = _cut_off(b, sizes, strides, full)
    before, after = pads[: len(sizes)], pads[len(sizes) :]
    alike = before == after
    if groups == 1 and alike and b.attribute("auto_pad", "NOTSET") == "NOTSET":
        raise KeyError("torch-mlir has it")
    shared = {"strides": strides, "dilations": dilations, "output_padding": extra}
    if alike:
        shared["pads"] = pads
    parts = []
    each = channels // groups
    for group in range(groups):
        first = group * each
        operands = [
            _part(b, b.node.input[0], 1, first, each),
            _part(b, b.node.input[1], 0, first, each),
        ]
        if b.has(2):
            operands.append(_part(b, b.node.input[2], 0, group * width, width))
        parts.append(b.add("ConvTranspose", *operands, **shared))
    result = parts[0] if groups == 1 else b.add("Concat", *parts, axis=1)
    if alike:
        return [result]
    ends = [size - cut for size, cut in zip(full, after, strict=True)]
    axes = np.arange(2, 2 + len(sizes))
    return [b.add("Slice", result, np.array(before), np.array(ends), axes)]


def power_pool(b: Body) -> list[str]:
    """`LpPool` as a root of sums of powers, which are a convolution with ones."""
    if b.attribute("ceil_mode", 0):
        raise KeyError("windows that reach beyond the padding")
    x, channels = b.node.input[0], b.shape(0)[1]
    kernel, power = b.attribute("kernel_shape", []), b.attribute("p", 2)
    pads = _pads(b, kernel)
    exponent = b.add("CastLike", np.array(power, np.float32), x)
    terms = b.add("Mul", x, x) if power == 2 else b.add("Pow", b.add("Abs", x), exponent)
    ones = b.add("CastLike", np.ones((channels, 1, *kernel), np.float32), x)
    sums = b.add(
        "Conv",
        _padded(b, terms, pads, b.add("CastLike", np.zeros((), np.float32), x)),
        ones,
        group=channels,
        strides=b.attribute("strides", [1] * len(kernel)),
        dilations=b.attribute("dilations", [1] * len(kernel)),
    )
    inverse = b.add("CastLike", np.array(1 / power, np.float32), x)
    return [b.add("Sqrt", sums) if power == 2 else b.add("Pow", sums, inverse)]


def padded_mean(b: Body) -> list[str]:
    """`AveragePool` that counts its padding: the mean of an image that is padded before."""
    if not is_padded_mean(b) or b.attribute("ceil_mode", 0):
        raise KeyError("windows that reach beyond the padding")
    x, kernel = b.node.input[0], b.attribute("kernel_shape", [])
    return [
        b.add(
            "AveragePool",
            _padded(b, x, _pads(b, kernel), b.add("CastLike", np.zeros((), np.float32), x)),
            kernel_shape=kernel,
            strides=b.attribute("strides", [1] * len(kernel)),
            dilations=b.attribute("dilations", [1] * len(kernel)),
        )
    ]


def is_padded_mean(b: Body) -> bool:
    """Whether dilated windows count padding, which torch-mlir does not where they do."""
    dilated = any(dilation != 1 for dilation in b.attribute("dilations", []))
    counted = bool(b.attribute("count_include_pad", 0))
    return dilated and counted and any(_pads(b, b.attribute("kernel_shape", [])))


def convolve_integers(b: Body) -> list[str]:
    """`ConvInteger` of an image that is padded before, with what stands for zero."""
    x, kernel = b.node.input[0], b.shape(1)[2:]
    pads = _pads(b, kernel)
    if not any(pads):
        raise KeyError("torch-mlir has it without padding")
    zero = b.node.input[2] if b.has(2) else b.add("CastLike", np.zeros((), np.int32), x)
    filling = b.add("Reshape", zero, np.zeros(0, np.int64))
    return [
        b.add(
            "ConvInteger",
            _padded(b, x, pads, filling),
            *b.node.input[1:],
            group=b.attribute("group", 1),
            strides=b.attribute("strides", [1] * len(kernel)),
            dilations=b.attribute("dilations", [1] * len(kernel)),
        )
    ]


def _part(b: Body, value: str, axis: int, first: int, count: int) -> str:
    ends = np.array([first + count])
    return b.add("Slice", value, np.array([first]), ends, np.array([axis]))


def _padded(b: Body, value: str, pads: Sequence[int], filling: str) -> str:
    half = len(pads) // 2
    if not any(pads):
        return value
    return b.add("Pad", value, np.array([0, 0, *pads[:half], 0, 0, *pads[half:]]), filling)


def _halves(totals: Sequence[int], *, more_after: bool) -> list[int]:
    """Splits what each axis is padded by: all begins, then all ends."""
    less = [total // 2 for total in totals]
    more = [total - part for total, part in zip(totals, less, strict=True)]
    return [*less, *more] if more_after else [*more, *less]


def _pads(b: Body, kernel: Sequence[int]) -> list[int]:
    """The padding of a convolution or pooling, also where the standard computes it."""
    zeros, ones = [0] * (2 * len(kernel)), [1] * len(kernel)
    mode = b.attribute("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return list(b.attribute("pads", zeros))
    if mode == "VALID":
        return zeros
    totals = [
        max((-(-size // stride) - 1) * stride + dilation * (length - 1) + 1 - size, 0)
        for size, length, stride, dilation in zip(
            b.shape(0)[2:],
            kernel,
            b.attribute("strides", ones),
            b.attribute("dilations", ones),
            strict=True,
        )
    ]
    return _halves(totals, more_after=mode == "SAME_UPPER")


def _cut_off(
    b: Body, sizes: Sequence[int], strides: Sequence[int], full: Sequence[int]
) -> list[int]:
    """What a transposed convolution leaves away of its full result at begins and ends."""
    mode = b.attribute("auto_pad", "NOTSET")
    wanted = b.attribute("output_shape", [])
    if mode == "VALID" or (mode == "NOTSET" and not wanted):
        return list(b.attribute("pads", [0] * (2 * len(sizes))))
    if not wanted:
        wanted = [size * stride for size, stride in zip(sizes, strides, strict=True)]
    totals = [have - want for have, want in zip(full, wanted[-len(sizes) :], strict=True)]
    if min(totals) < 0:
        raise KeyError("a result that is larger than what is computed")
    return _halves(totals, more_after=mode == "SAME_UPPER")
