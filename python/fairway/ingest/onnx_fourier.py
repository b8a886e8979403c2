# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The bodies of ONNX's Fourier transforms, `DFT` and `STFT`: products with cosines and sines.

A transform is one product of the signal with a constant matrix. Where the matrix would be
large, its length is taken apart into two factors: transforms of one, a turn of each result,
and transforms of the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairway.ingest.onnx_body import Body

__all__ = ["dft", "stft"]

_SMALL, _LIMIT = 1 << 21, 1 << 24  # elements of a matrix


@dataclass(frozen=True)
class _Signals:
    """Signals, one in each row.

    Attributes:
        value: A tensor of ONNX, [rows, size, parts].
        rows: How many there are.
        size: The elements of each.
        parts: 1 for real numbers, 2 for complex ones.
    """

    value: str
    rows: int
    size: int
    parts: int


def dft(b: Body) -> list[str]:
    """Writes the discrete Fourier transform along one axis."""
    x, shape = b.node.input[0], b.shape(0)
    rank = len(shape)
    given = b.constant(2)
    default = 1 if b.opset < 20 else -2
    axis = b.attribute("axis", default) if given is None else int(given.reshape(-1)[0])
    axis %= rank
    if axis == rank - 1 or shape[-1] > 2:
        raise KeyError("the last dimension has the parts of a number")
    inverse, onesided = bool(b.attribute("inverse", 0)), bool(b.attribute("onesided", 0))
    size, parts = shape[axis], shape[-1]
    wanted = b.constant(1)
    if wanted is not None:
        length = int(wanted.reshape(-1)[0])
    else:
        length = 2 * (size - 1) if inverse and onesided else size
    if length < 1 or 0 in shape:
        raise KeyError("a transform of nothing")

    order = [other for other in range(rank - 1) if other != axis] + [axis, rank - 1]
    value = b.add("Transpose", x, perm=order)
    others = [shape[other] for other in order[:-2]]
    rows = math.prod(others)
    value = b.add("Reshape", value, np.array([rows, size, parts]))
    signals = _cut(b, _Signals(value, rows, size, parts), length)
    if inverse and onesided:
        result = _real(b, signals, length)
    else:
        count = length // 2 + 1 if onesided else length
        result = _transform(b, signals, length, count, inverse)
    value = b.add("Reshape", result.value, np.array([*others, result.size, result.parts]))
    return [b.add("Transpose", value, perm=[order.index(place) for place in range(rank)])]


def stft(b: Body) -> list[str]:
    """Writes the transforms of a signal's frames, each times a window."""
    step = b.constant(1)
    assert step is not None
    if len(b.shape(0)) != 3 or b.shape(0)[-1] > 2:
        raise KeyError("the last dimension has the parts of a number")
    batch, size, parts = b.shape(0)
    window = b.node.input[2] if len(b.node.input) > 2 else ""
    if window:
        length = b.shape(2)[0]
    else:
        given = b.constant(3)
        length = size if given is None else int(given.reshape(-1)[0])
    hop = int(step.reshape(-1)[0])
    frames = (size - length) // hop + 1
    if frames < 1 or length < 1 or batch < 1:
        raise KeyError("a transform of nothing")

    places = hop * np.arange(frames)[:, None] + np.arange(length)
    value = b.add("Gather", b.node.input[0], places, axis=1)
    if window:
        value = b.add("Mul", value, b.unsqueeze(window, -1))
    value = b.add("Reshape", value, np.array([batch * frames, length, parts]))
    count = length // 2 + 1 if b.attribute("onesided", 1) else length
    signals = _Signals(value, batch * frames, length, parts)
    result = _transform(b, signals, length, count, inverse=False)
    return [b.add("Reshape", result.value, np.array([batch, frames, count, 2]))]


def _like(b: Body, array: NDArray[np.float64]) -> str:
    """A constant of the type of the signal."""
    x = b.node.input[0]
    exact = b.dtypes[x].itemsize == 8
    return b.add("CastLike", array if exact else array.astype(np.float32), x)


def _cut(b: Body, signals: _Signals, size: int) -> _Signals:
    """No more than the first elements of each signal."""
    if signals.size <= size:
        return signals
    value = b.add("Slice", signals.value, np.array([0]), np.array([size]), np.array([1]))
    return _Signals(value, signals.rows, size, signals.parts)


def _extend(b: Body, signals: _Signals, size: int) -> _Signals:
    """Signals with zeros after them."""
    if signals.size == size:
        return signals
    pads = np.array([0, 0, 0, 0, size - signals.size, 0])
    value = b.add("Pad", signals.value, pads, _like(b, np.zeros(())))
    return _Signals(value, signals.rows, size, signals.parts)


def _turns(rows: int, columns: int, length: int, inverse: bool) -> NDArray[np.complex128]:
    """The factors exp(-2 pi i row column / length), [rows, columns]; conjugate for the inverse."""
    # Of whole turns the sine would not be quite zero.
    steps = np.outer(np.arange(rows), np.arange(columns)) % length
    return np.exp((2j if inverse else -2j) * np.pi * steps / length)


def _product(b: Body, signals: _Signals, factors: NDArray[np.complex128], parts: int) -> _Signals:
    """Each signal's complex sums of `factors` [size, results], or the real parts of them."""
    real, imaginary = factors.real, factors.imag
    # Of [element, part, result, part of the result], the second row is that of i times a number.
    matrix = np.stack([np.stack([real, imaginary], -1), np.stack([-imaginary, real], -1)], 1)
    matrix = matrix[:, : signals.parts, :, :parts]
    results = factors.shape[1]
    flat = b.add("Reshape", signals.value, np.array([signals.rows, signals.size * signals.parts]))
    weights = _like(b, matrix.reshape(signals.size * signals.parts, results * parts))
    value = b.add("MatMul", flat, weights)
    value = b.add("Reshape", value, np.array([signals.rows, results, parts]))
    return _Signals(value, signals.rows, results, parts)


def _transform(b: Body, signals: _Signals, length: int, count: int, inverse: bool) -> _Signals:
    """The first `count` results of transforms of `length`, to which zeros fill the signals up."""
    first = _factor(length)
    elements = signals.size * signals.parts * count * 2
    if elements <= _SMALL or (first == 1 and elements <= _LIMIT):
        factors = _turns(signals.size, count, length, inverse)
        return _product(b, signals, factors / length if inverse else factors, parts=2)
    if first == 1:
        raise KeyError("a matrix too large to be a constant")

    # The place of an element is second * i + j, that of a result k + first * l.
    second, rows = length // first, signals.rows
    value = _swap(b, _extend(b, signals, length), first, second)
    inner = _Signals(value, rows * second, first, signals.parts)
    inner = _transform(b, inner, first, first, inverse)
    turn = _turns(second, first, length, inverse)
    value = b.add("Reshape", inner.value, np.array([rows, second, first, 2]))
    other = b.add("Gather", value, np.array([1, 0]), axis=-1)
    straight = _like(b, np.stack([turn.real, turn.real], -1))
    crossed = _like(b, np.stack([-turn.imag, turn.imag], -1))
    value = b.add("Add", b.add("Mul", value, straight), b.add("Mul", other, crossed))
    value = _swap(b, _Signals(value, rows, length, 2), second, first)
    outer = _transform(b, _Signals(value, rows * first, second, 2), second, second, inverse)
    value = _swap(b, _Signals(outer.value, rows, length, 2), first, second)
    value = b.add("Reshape", value, np.array([rows, length, 2]))
    return _cut(b, _Signals(value, rows, length, 2), count)


def _real(b: Body, signals: _Signals, length: int) -> _Signals:
    """The real signals [rows, length, 1] whose transforms begin with `signals`."""
    half = length // 2 + 1
    signals = _cut(b, signals, half)
    if signals.size * signals.parts * length <= _SMALL or _factor(length) == 1:
        if signals.size * signals.parts * length > _LIMIT:
            raise KeyError("a matrix too large to be a constant")
        # Every result but the first, and that in the middle, stands for its conjugate, too.
        places = np.arange(signals.size)[:, None]
        weights = np.where((places == 0) | (2 * places == length), 1, 2) / length
        factors = weights * _turns(signals.size, length, length, inverse=True)
        return _product(b, signals, factors, parts=1)
    signals = _extend(b, signals, half)
    mirror = b.add("Gather", signals.value, length - np.arange(half, length), axis=1)
    if signals.parts == 2:
        mirror = b.add("Mul", mirror, _like(b, np.array([1.0, -1.0])))
    value = b.add("Concat", signals.value, mirror, axis=1)
    full = _Signals(value, signals.rows, length, signals.parts)
    result = _transform(b, full, length, length, inverse=True)
    value = b.add("Slice", result.value, np.array([0]), np.array([1]), np.array([2]))
    return _Signals(value, signals.rows, length, 1)


def _factor(length: int) -> int:
    """The largest divisor that is no larger than the quotient."""
    return next(f for f in range(math.isqrt(length), 0, -1) if length % f == 0)


def _swap(b: Body, signals: _Signals, major: int, minor: int) -> str:
    """[rows, major * minor, parts] as [rows * minor, major, parts]."""
    shape = np.array([signals.rows, major, minor, signals.parts])
    value = b.add("Transpose", b.add("Reshape", signals.value, shape), perm=[0, 2, 1, 3])
    return b.add("Reshape", value, np.array([signals.rows * minor, major, signals.parts]))
