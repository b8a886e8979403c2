# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The bodies of ONNX operations that take what an earlier call gave and renew it."""

from __future__ import annotations

import numpy as np

from fairway.ingest.onnx_body import Body

__all__ = ["causal_convolution", "tensor_scatter"]

_FLOAT = 1  # of TensorProto


def tensor_scatter(b: Body) -> list[str]:
    """Writes the choice, at each place of a cache, between it and the update."""
    cache, update = b.node.input[:2]
    shape = b.shape(0)
    rank, axis = len(shape), b.attribute("axis", -2) % len(shape)
    size, length = shape[axis], b.shape(1)[axis]
    if len(b.node.input) < 3 or not b.node.input[2]:
        ends = (np.array([length]), np.array([size]), np.array([axis]))
        return [b.add("Concat", update, b.add("Slice", cache, *ends), axis=axis)]

    # Which element of the update each place would take, [batch, 1, .., size, .., 1].
    start = b.add("Reshape", b.node.input[2], np.array([-1] + [1] * (rank - 1)))
    places = np.arange(size).reshape([-1] + [1] * (rank - 1 - axis))
    index = b.add("Sub", places, start)
    if b.attribute("mode", "linear") == "circular":
        index = b.add("Mod", index, np.array([size]))
    after = b.add("GreaterOrEqual", index, np.array([0]))
    hit = b.add("And", after, b.add("Less", index, np.array([length])))
    if length > 1:
        index = b.add("Where", hit, index, np.array([0]))
        index = b.add("Expand", index, np.array(shape))
        update = b.add("GatherElements", update, index, axis=axis)
    return [b.add("Where", hit, update, cache)]


def causal_convolution(b: Body) -> list[str]:
    """Writes a convolution of each channel with what came before it."""
    x, weight = b.node.input[:2]
    bias, past = (*b.node.input[2:], "", "")[:2]
    (_, channels, length), kept = b.shape(0), b.shape(1)[2] - 1
    value = x
    if kept and past:
        value = b.add("Concat", past, x, axis=2)
    elif kept:
        zero = b.add("CastLike", np.zeros((), np.float32), x)
        value = b.add("Pad", x, np.array([0, 0, kept, 0, 0, 0]), zero)
    ends = (np.array([length]), np.array([length + kept]), np.array([2]))
    present = b.add("Slice", value, *ends)
    operands = [value, weight, bias] if bias else [value, weight]
    result = b.add("Conv", *operands, group=channels)
    if b.attribute("activation", "none") != "none":
        exact = b.add("Cast", result, to=_FLOAT)
        active = b.add("Mul", exact, b.add("Sigmoid", exact))
        result = b.add("CastLike", active, x)
    return [result, present]
