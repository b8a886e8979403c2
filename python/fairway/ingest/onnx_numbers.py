# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic of ONNX that torch-mlir gets wrong: without a sign, with NaN, beyond a float."""

from __future__ import annotations

from typing import Any

import numpy as np

from fairway.ingest.onnx_body import Body

__all__ = ["arithmetic", "is_misread_arithmetic"]


def is_misread_arithmetic(b: Body) -> bool:
    """Whether torch-mlir computes something else than the standard says."""
    dtype = b.dtypes.get(b.node.input[0]) if b.node.input else None
    if dtype is None:
        return False
    operation = b.node.op_type
    if operation in ("Abs", "Div", "Mod"):
        return dtype.kind == "u"
    if operation in ("Clip", "Sign"):
        return dtype.kind in "uf"
    if operation in ("Max", "Min"):
        return dtype.kind == "f"
    if operation == "Neg":
        return dtype.kind == "i"
    if operation == "Pow" and dtype.kind == "f":
        return _large_exponent(b) is not None
    if operation == "Pow":
        exponent = b.dtypes.get(b.node.input[1])
        return dtype.kind in "iu" and exponent is not None and exponent.kind in "iu"
    return False


def arithmetic(b: Body) -> list[str]:
    """Writes an operation on single elements such that torch-mlir gets it right."""
    if not is_misread_arithmetic(b):
        raise KeyError("torch-mlir has it")
    operation, (x, *rest) = b.node.op_type, b.node.input
    dtype = b.dtypes[x]
    if operation == "Abs":
        return [b.add("Identity", x)]
    if operation == "Neg":
        return [b.add("Sub", np.zeros((), dtype), x)]
    if operation in ("Div", "Mod"):
        quotient, remainder = _divide(b, x, rest[0], dtype)
        return [quotient if operation == "Div" else remainder]
    if operation == "Sign":
        one, zero = np.ones((), dtype), np.zeros((), dtype)
        positive = b.add("Greater", x, zero)
        if dtype.kind == "u":
            return [b.add("Where", positive, one, zero)]
        return [b.add("Where", positive, one, b.add("Where", b.add("Less", x, zero), -one, x))]
    if operation == "Clip":
        return [_clip(b, x)]
    if operation == "Pow":
        exponent = _large_exponent(b) if dtype.kind == "f" else None
        if exponent is not None:
            return [_large_power(b, x, rest[0], exponent)]
        return [_power(b, x, rest[0], dtype)]
    beyond = "Greater" if operation == "Max" else "Less"
    for other in rest:
        chosen = b.add("Or", b.add(beyond, x, other), b.add("IsNaN", x))
        x = b.add("Where", chosen, x, other)
    return [b.add("Identity", x)]


def _divide(b: Body, x: str, y: str, dtype: np.dtype[Any]) -> tuple[str, str]:
    """Quotient and remainder without a sign, by a division with one.

    Half of x fits; twice its quotient is right or one too small. A divisor that does not fit
    goes into x once or not at all (Warren, Hacker's Delight, 9-3).
    """
    one, zero = np.ones((), dtype), np.zeros((), dtype)
    half = b.add("BitShift", x, one, direction="RIGHT")
    middle = np.array(1 << (dtype.itemsize * 8 - 1), dtype)
    fits = b.add("Less", y, middle)
    small = b.add("Where", fits, y, one)
    twice = b.add("Mul", b.add("Div", half, small), np.full((), 2, dtype))
    quotient = b.add("Where", fits, twice, zero)
    rest = b.add("Sub", x, b.add("Mul", quotient, y))
    more = b.add("Not", b.add("Less", rest, y))
    quotient = b.add("Add", quotient, b.add("Where", more, one, zero))
    return quotient, b.add("Where", more, b.add("Sub", rest, y), rest)


def _clip(b: Body, x: str) -> str:
    """Selects such that NaN stays."""
    dtype = b.dtypes[x]
    for place, name, beyond, choose in ((1, "min", "Less", "Max"), (2, "max", "Greater", "Min")):
        bound: Any = b.attribute(name, None)
        bound = np.array(bound, dtype) if bound is not None else None
        if b.has(place):
            bound = b.node.input[place]
        if bound is None:
            continue
        if dtype.kind == "u":
            x = b.add(choose, x, bound)
        else:
            x = b.add("Where", b.add(beyond, x, bound), bound, x)
    return b.add("Identity", x)


def _large_exponent(b: Body) -> int | None:
    """The whole number beyond eight that an exponent is; up to there MLIR multiplies itself."""
    known = b.constants.get(b.node.input[1])
    if known is None or not known.size or not (known == known.flat[0]).all():
        return None
    number = float(known.flat[0])
    return int(number) if number.is_integer() and abs(number) > 8 else None


def _large_power(b: Body, x: str, exponent: str, number: int) -> str:
    """Square and multiply in float64, since each product rounds (Knuth, TAOCP 2, 4.6.3)."""
    wide = b.add("CastLike", x, np.zeros((), np.float64))
    shape = b.constants[exponent].shape
    result, left = b.add("Expand", np.ones((), np.float64), np.array(shape, np.int64)), abs(number)
    while left:
        result = b.add("Mul", result, wide) if left & 1 else result
        left >>= 1
        wide = b.add("Mul", wide, wide) if left else wide
    return b.add("CastLike", b.add("Reciprocal", result) if number < 0 else result, x)


def _power(b: Body, x: str, exponent: str, dtype: np.dtype[Any]) -> str:
    """Square and multiply, modulo the dtype's range (Knuth, TAOCP 2, 4.6.3)."""
    power = np.ones((), dtype)
    result: Any = b.add("Add", b.add("Sub", x, x), power)
    known = b.constants.get(exponent)
    if known is not None and known.size and (known == known.flat[0]).all():
        number = int(known.flat[0])
        if number < 0:
            raise KeyError("what a negative power of whole numbers is, the standard leaves open")
        result = b.add("Add", result, b.add("CastLike", np.zeros(known.shape, np.int64), x))
        while number:
            result = b.add("Mul", result, x) if number & 1 else result
            number >>= 1
            x = b.add("Mul", x, x) if number else x
        return result
    kind = b.dtypes[exponent]
    two, one = np.full((), 2, kind), np.ones((), kind)
    for _ in range(kind.itemsize * 8 - (kind.kind == "i")):
        odd = b.add("Equal", b.add("Mod", exponent, two), one)
        result = b.add("Where", odd, b.add("Mul", result, x), result)
        exponent, x = b.add("Div", exponent, two), b.add("Mul", x, x)
    return result
