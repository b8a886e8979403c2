# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The body of ONNX's `Attention` (operator sets 23 to 25), for one node's shapes.

The standard's own body cannot be inlined where optional operands are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fairway.ingest.onnx_body import Body

__all__ = ["attention"]

_RAW, _CAPPED, _BIASED, _PROBABILITIES = range(4)  # what the fourth result is


@dataclass(frozen=True)
class _Bias:
    """What is added to the scores: minus infinity where a key must not be read.

    Attributes:
        value: A tensor of ONNX, whose shape broadcasts to [batch, heads, queries, keys].
        blinds: Whether some query may be left without a key.
    """

    value: str
    blinds: bool


def attention(b: Body) -> list[str]:
    """Writes scaled dot product attention with caches, masks and windows."""
    query, key, value = b.node.input[:3]
    rank = len(b.shape(0))
    if rank == 3:
        heads, groups = b.attribute("q_num_heads", 0), b.attribute("kv_num_heads", 0)
        width = b.shape(0)[2] // heads
        query = _apart(b, query, b.shape(0), heads)
        key = _apart(b, key, b.shape(1), groups)
        value = _apart(b, value, b.shape(2), groups)
        queries, keys = b.shape(0)[1], b.shape(1)[1]
    else:
        (_, heads, queries, width), (_, groups, keys, _) = b.shape(0), b.shape(1)
    past = 0
    if b.has(4):
        past = b.shape(4)[2]
        key = b.add("Concat", b.node.input[4], key, axis=2)
        value = b.add("Concat", b.node.input[5], value, axis=2)
    present = [key, value]
    if heads != groups:
        key, value = (_repeat(b, tensor, heads, groups, past + keys) for tensor in present)

    # Half of the scale each, so that float16 does not overflow in between.
    scale = math.sqrt(b.attribute("scale", 1 / math.sqrt(width)))
    factor = b.add("CastLike", np.array(scale, np.float32), query)
    turned = b.add("Transpose", b.add("Mul", key, factor), perm=[0, 1, 3, 2])
    scores = b.add("MatMul", b.add("Mul", query, factor), turned)
    told = {_RAW: scores}
    if cap := b.attribute("softcap", 0.0):
        most = b.add("CastLike", np.array(cap, np.float32), scores)
        scores = b.add("Mul", b.add("Tanh", b.add("Div", scores, most)), most)
    told[_CAPPED] = scores
    bias = _bias(b, query, queries, past, past + keys)
    if bias:
        scores = b.add("Add", scores, bias.value)
    told[_BIASED] = scores
    if precision := b.attribute("softmax_precision", 0):
        scores = b.add("Cast", scores, to=precision)
    weights = b.add("CastLike", b.add("Softmax", scores, axis=-1), query)
    if bias and bias.blinds:
        lowest = b.add("CastLike", np.array(-np.inf, np.float32), query)
        highest = b.add("ReduceMax", bias.value, np.array([-1]), keepdims=1)
        zero = b.add("CastLike", np.array(0, np.float32), query)
        weights = b.add("Where", b.add("Equal", highest, lowest), zero, weights)
    told[_PROBABILITIES] = weights
    result = b.add("MatMul", weights, value)
    if rank == 3:
        result = b.add("Transpose", result, perm=[0, 2, 1, 3])
        result = b.add("Reshape", result, np.array([0, 0, -1]))
    return [result, *present, told[b.attribute("qk_matmul_output_mode", _RAW)]]


def _apart(b: Body, tensor: str, shape: tuple[int, ...], heads: int) -> str:
    """[batch, length, heads * width] as [batch, heads, length, width]."""
    split = np.array([shape[0], shape[1], heads, shape[2] // heads])
    return b.add("Transpose", b.add("Reshape", tensor, split), perm=[0, 2, 1, 3])


def _repeat(b: Body, tensor: str, heads: int, groups: int, length: int) -> str:
    """Each head of keys or values as often as queries share it."""
    times = np.array([1, 1, heads // groups, 1, 1])
    spread = b.add("Expand", b.unsqueeze(tensor, 2), times)
    return b.add("Reshape", spread, np.array([0, heads, length, -1]))


def _bias(b: Body, query: str, queries: int, past: int, keys: int) -> _Bias | None:
    """What masks, windows and the lengths of caches add up to; None for nothing."""
    # How far a key is ahead of a query that is at the cache's begin.
    ahead = np.arange(keys)[None, :] - np.arange(queries)[:, None]
    allowed: list[str] = []
    known = np.ones((queries, keys), bool)
    blinds = b.has(3)
    limits = [
        (b.attribute("left_window_size", -1), -1),
        (b.attribute("right_window_size", -1), 1),
        (0 if b.attribute("is_causal", 0) else -1, 1),
    ]
    start = ""  # of the queries in an external cache, if there is one
    if b.has(6) and not b.has(4):
        shape = np.array([-1, 1, 1, 1])
        length = b.add("Reshape", b.add("Cast", b.node.input[6], to=7), shape)
        start = b.add("Sub", length, np.array(queries))
        allowed.append(b.add("Less", np.arange(keys), length))
        blinds = True
    for size, sign in limits:
        if size < 0:
            continue
        if start:
            signed = start if sign > 0 else b.add("Neg", start)
            limit = b.add("Add", signed, np.array(size))
            allowed.append(b.add("LessOrEqual", sign * ahead, limit))
        else:
            known &= sign * (ahead - past) <= size
    added = ""
    if b.has(3):
        mask, shape = b.node.input[3], b.shape(3)
        boolean = b.dtypes[mask].kind == "b"
        if short := keys - shape[-1]:
            pads = np.array([0] * (2 * len(shape) - 1) + [short])
            fill = np.array(False) if boolean else np.array(-np.inf, np.float32)
            mask = b.add("Pad", mask, pads, b.add("CastLike", fill, mask))
        if boolean:
            allowed.append(mask)
        else:
            added = mask
    if not known.all():
        allowed.append(b.add("Identity", known))
        blinds = blinds or not known.any(-1).all()
    if not allowed:
        return _Bias(added, blinds) if added else None
    together = allowed[0]
    for other in allowed[1:]:
        together = b.add("And", together, other)
    zero, lowest = (
        b.add("CastLike", np.array(number, np.float32), query) for number in (0, -np.inf)
    )
    return _Bias(b.add("Where", together, added or zero, lowest), blinds)
