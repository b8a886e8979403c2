# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operations that random graphs are made of: each adds one node that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from builder import MOST_ELEMENTS, Builder, Value
from onnx import helper

__all__ = ["OPERATIONS"]

_EXACT = ("Relu", "Abs", "Neg", "Identity", "Clip")
_SMOOTH = (
    *("Sigmoid", "Tanh", "Erf", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "Mish"),
    *("Elu", "Selu", "LeakyRelu", "Gelu", "Sin", "Cos", "Atan", "ThresholdedRelu"),
)
_JUMPS = ("Floor", "Ceil", "Round", "Sign")


def _broadcast(*values: Value) -> tuple[int, ...]:
    return np.broadcast_shapes(*(value.shape for value in values))


def exact_unary(b: Builder) -> None:
    x = b.float_value() if b.flag() else b.integer_value()
    operation = b.choose(_EXACT[1:] if x.is_integer else _EXACT)
    if operation == "Clip":
        low = b.constant(np.array(-1, x.dtype))
        high = b.constant(np.array(2, x.dtype))
        b.node("Clip", [x, low, high], (x.dtype, x.shape), exact=True)
    else:
        b.node(operation, [x], (x.dtype, x.shape), exact=True)


def smooth_unary(b: Builder) -> None:
    x = b.float_value()
    b.node(b.choose(_SMOOTH), [x], (x.dtype, x.shape))


def jumping_unary(b: Builder) -> None:
    x = b.float_value(exact=True)
    b.node(b.choose(_JUMPS), [x], (x.dtype, x.shape), exact=True)


def positive_unary(b: Builder) -> None:
    x = b.float_value()
    (y,) = b.node("Abs", [x], (x.dtype, x.shape), exact=True)
    (y,) = b.node("Add", [y, b.constant(np.array(0.5, x.dtype))], (x.dtype, x.shape))
    b.node(b.choose(("Sqrt", "Log", "Reciprocal")), [y], (x.dtype, x.shape))


def exponential(b: Builder) -> None:
    x = b.float_value()
    (y,) = b.node("Tanh", [x], (x.dtype, x.shape))
    b.node("Exp", [y], (x.dtype, x.shape))


def arithmetic(b: Builder) -> None:
    x = b.float_value() if b.flag() else b.integer_value()
    y = b.partner(x)
    operation = b.choose(("Add", "Sub", "Mul", "Max", "Min"))
    exact = x.is_integer or operation in ("Max", "Min")
    b.node(operation, [x, y], (x.dtype, _broadcast(x, y)), exact=exact)


def division(b: Builder) -> None:
    x = b.float_value() if b.flag() else b.integer_value()
    shape = x.shape[b.integer(0, x.rank) :]
    divisor = b.array(x.dtype.name, shape)
    divisor = np.where(np.abs(divisor) < 1, 1, divisor).astype(x.dtype)
    if x.is_integer:
        # Of negative numbers ONNX leaves the rounding open.
        (x,) = b.node("Abs", [x], (x.dtype, x.shape), exact=True)
        divisor = np.abs(divisor, out=divisor)  # an array, even of one number
    b.node("Div", [x, b.constant(divisor)], (x.dtype, x.shape), exact=x.is_integer)


def remainder(b: Builder) -> None:
    x = b.integer_value()
    divisor = b.array(x.dtype.name, x.shape[b.integer(0, x.rank) :])
    divisor = np.where(divisor == 0, 3, divisor).astype(x.dtype)
    operands = [x, b.constant(divisor)]
    b.node("Mod", operands, (x.dtype, x.shape), exact=True, fmod=int(b.flag()))


def comparison(b: Builder) -> None:
    x = b.float_value(exact=True) if b.flag() else b.integer_value()
    y = b.partner(x, exact=True)
    operation = b.choose(("Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"))
    b.node(operation, [x, y], ("bool", _broadcast(x, y)), exact=True)


def logic(b: Builder) -> None:
    x = b.truth_value()
    if b.flag():
        b.node("Not", [x], ("bool", x.shape), exact=True)
        return
    y = b.partner(x)
    b.node(b.choose(("And", "Or", "Xor")), [x, y], ("bool", _broadcast(x, y)), exact=True)


def selection(b: Builder) -> None:
    x = b.any_value()
    y = b.partner(x)
    shape = _broadcast(x, y)
    condition = b.pick(
        lambda v: v.dtype.kind == "b" and v.shape == shape, lambda: b.input("bool", shape)
    )
    b.node("Where", [condition, x, y], (x.dtype, shape), exact=True)


def conversion(b: Builder) -> None:
    x = b.any_value()
    names = ("float32", "float64", "int64", "int32", "bool")
    if x.is_float and not x.exact:
        names = ("float32", "float64")
    # Floats that no integer holds convert to whatever the machine makes of them.
    y = x
    if x.is_float:
        limits = [b.constant(np.array(limit, x.dtype)) for limit in (-99, 99)]
        (y,) = b.node("Clip", [x, *limits], (x.dtype, x.shape), exact=True)
    target = np.dtype(b.choose(names))
    widens = target.itemsize >= x.dtype.itemsize or not x.is_float
    element = helper.np_dtype_to_tensor_dtype(target)
    b.node("Cast", [y], (target, x.shape), exact=widens or target.kind != "f", to=element)


def _axes(b: Builder, rank: int) -> list[int]:
    return [axis for axis in range(rank) if b.flag()]


def reduction(b: Builder) -> None:
    x = b.float_value((1, 4)) if b.flag() else b.integer_value((1, 4))
    axes, keep = _axes(b, x.rank) or [b.integer(0, x.rank - 1)], b.flag()
    operation = b.choose(("ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean", "ReduceL2"))
    if x.is_integer and operation in ("ReduceMean", "ReduceL2"):
        operation = "ReduceSum"
    shape = tuple(
        1 if axis in axes else size for axis, size in enumerate(x.shape) if keep or axis not in axes
    )
    exact = x.is_integer or operation in ("ReduceMax", "ReduceMin")
    negative = [axis - x.rank if b.flag() else axis for axis in axes]
    operands = [x, b.constant(negative)]
    b.node(operation, operands, (x.dtype, shape), exact=exact, keepdims=int(keep))


def extremum_place(b: Builder) -> None:
    x = b.float_value((1, 4), exact=True)
    axis, keep = b.integer(0, x.rank - 1), b.flag()
    shape = x.shape[:axis] + ((1,) if keep else ()) + x.shape[axis + 1 :]
    operation = b.choose(("ArgMax", "ArgMin"))
    b.node(operation, [x], ("int64", shape), exact=True, axis=axis, keepdims=int(keep))


def softmax(b: Builder) -> None:
    x = b.float_value((1, 4))
    axis = b.integer(-x.rank, x.rank - 1)
    b.node(b.choose(("Softmax", "LogSoftmax")), [x], (x.dtype, x.shape), axis=axis)


def layer_norm(b: Builder) -> None:
    x = b.float_value((1, 4))
    axis = b.integer(0, x.rank - 1)
    shape = x.shape[axis:]
    operands = [x, b.weight(x.dtype, shape), b.weight(x.dtype, shape)]
    stash = helper.np_dtype_to_tensor_dtype(x.dtype)  # float32 by default, also of float64
    b.node(
        *("LayerNormalization", operands, (x.dtype, x.shape)),
        axis=axis - x.rank,
        epsilon=0.01,
        stash_type=stash,
    )


def batch_norm(b: Builder) -> None:
    x = b.float_value((2, 4))
    channels = (x.shape[1],)
    variance = b.constant(np.abs(b.array(x.dtype.name, channels)) + np.array(0.5, x.dtype))
    operands = [x, *(b.weight(x.dtype, channels) for _ in range(3)), variance]
    b.node("BatchNormalization", operands, (x.dtype, x.shape))


def matmul(b: Builder) -> None:
    x = b.float_value((2, 4))
    columns = b.integer(1, 20)
    if b.flag():
        other = b.weight(x.dtype, (x.shape[-1], columns))
    else:
        other = b.input(x.dtype.name, (*x.shape[:-2], x.shape[-1], columns))
    b.node("MatMul", [x, other], (x.dtype, (*x.shape[:-1], columns)))


def gemm(b: Builder) -> None:
    x = b.float_value((2, 2))
    columns, left, right = b.integer(1, 20), b.flag(), b.flag()
    rows, depth = x.shape[::-1] if left else x.shape
    weight = b.weight(x.dtype, (columns, depth) if right else (depth, columns))
    operands = [x, weight, *([b.weight(x.dtype, (columns,))] if b.flag() else ())]
    b.node(
        *("Gemm", operands, (x.dtype, (rows, columns))),
        transA=int(left),
        transB=int(right),
        alpha=0.5,
        beta=2.0,
    )


def _window(b: Builder, sizes: Sequence[int]) -> dict[str, list[int]] | None:
    """Kernel, strides, dilations and padding for an image; None if it is too small."""
    kernel = [b.integer(1, 3) for _ in sizes]
    dilations = [b.integer(1, 2) for _ in sizes]
    pads = [b.integer(0, min(1, extent - 1)) for extent in kernel for _ in (0, 1)]
    begin, end = pads[: len(sizes)], pads[len(sizes) :]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    if any(s + p + q < span for s, p, q, span in zip(sizes, begin, end, spans)):
        return None
    return {
        "kernel_shape": kernel,
        "strides": [b.integer(1, 2) for _ in sizes],
        "dilations": dilations,
        "pads": [*begin, *end],
    }


def _windows(sizes: Sequence[int], window: dict[str, list[int]]) -> tuple[int, ...]:
    count = len(sizes)
    return tuple(
        (size + p + q - (k - 1) * d - 1) // s + 1
        for size, k, s, d, p, q in zip(
            sizes,
            window["kernel_shape"],
            window["strides"],
            window["dilations"],
            window["pads"][:count],
            window["pads"][count:],
        )
    )


def convolution(b: Builder) -> None:
    x = b.float_value((3, 4))
    window = _window(b, x.shape[2:])
    if window is None:
        return
    channels = x.shape[1]
    groups = b.choose([g for g in (1, channels, 2) if channels % g == 0])
    results = groups * b.integer(1, 4)
    weight = b.weight(x.dtype, (results, channels // groups, *window["kernel_shape"]))
    operands = [x, weight, *([b.weight(x.dtype, (results,))] if b.flag() else ())]
    shape = (x.shape[0], results, *_windows(x.shape[2:], window))
    b.node("Conv", operands, (x.dtype, shape), group=groups, **window)


def pooling(b: Builder) -> None:
    x = b.float_value((3, 4))
    window = _window(b, x.shape[2:])
    # ONNX leaves open what a window gives that has no element of the image.
    if window is None or any(d > size for size, d in zip(x.shape[2:], window["dilations"])):
        return
    shape = (*x.shape[:2], *_windows(x.shape[2:], window))
    if b.flag():
        b.node("MaxPool", [x], (x.dtype, shape), exact=True, **window)
    else:
        include = int(b.flag())
        b.node("AveragePool", [x], (x.dtype, shape), count_include_pad=include, **window)


def reshape(b: Builder) -> None:
    x = b.any_value()
    count, shape = int(np.prod(x.shape)), []
    while count > 1 and len(shape) < 3:
        factor = b.choose([f for f in range(1, count + 1) if count % f == 0])
        shape.append(factor)
        count //= factor
    shape.append(count)
    asked = list(shape)
    if b.flag():
        asked[b.integer(0, len(asked) - 1)] = -1
    b.node("Reshape", [x, b.constant(asked)], (x.dtype, tuple(shape)), exact=True)


def transposition(b: Builder) -> None:
    x = b.any_value((1, 4))
    left, order = list(range(x.rank)), []
    while left:
        order.append(left.pop(b.integer(0, len(left) - 1)))
    shape = tuple(x.shape[axis] for axis in order)
    b.node("Transpose", [x], (x.dtype, shape), exact=True, perm=order)


def concatenation(b: Builder) -> None:
    x = b.any_value((1, 4))
    axis = b.integer(0, x.rank - 1)

    def fits(v: Value) -> bool:
        same = v.shape[:axis] + v.shape[axis + 1 :] == x.shape[:axis] + x.shape[axis + 1 :]
        return v.dtype == x.dtype and v.rank == x.rank and same

    y = b.pick(fits, lambda: x)
    shape = (*x.shape[:axis], x.shape[axis] + y.shape[axis], *x.shape[axis + 1 :])
    if np.prod(shape) <= MOST_ELEMENTS:
        b.node("Concat", [x, y], (x.dtype, shape), exact=True, axis=axis)


def splitting(b: Builder) -> None:
    x = b.any_value((1, 4))
    axis = b.integer(0, x.rank - 1)
    if x.shape[axis] < 2:
        return
    first = b.integer(1, x.shape[axis] - 1)
    shapes = [
        (*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in (first, x.shape[axis] - first)
    ]
    sizes = b.constant([first, x.shape[axis] - first])
    b.node("Split", [x, sizes], *((x.dtype, shape) for shape in shapes), exact=True, axis=axis)


def slicing(b: Builder) -> None:
    x = b.any_value((1, 4))
    starts, ends, steps, shape = [], [], [], []
    for size in x.shape:
        step = b.choose((1, 2, -1))
        low = b.integer(0, size - 1)
        high = b.integer(low + 1, size)
        count = -(-(high - low) // abs(step))
        starts.append(low if step > 0 else high - 1)
        ends.append(high if step > 0 else low - size - 1)
        steps.append(step)
        shape.append(count)
    parts = [b.constant(part) for part in (starts, ends, list(range(x.rank)), steps)]
    b.node("Slice", [x, *parts], (x.dtype, tuple(shape)), exact=True)


def padding(b: Builder) -> None:
    x = b.float_value((1, 4))
    mode = b.choose(("constant", "edge", "reflect"))
    most = [min(2, size - 1) if mode == "reflect" else 2 for size in x.shape]
    begin, end = ([b.integer(0, m) for m in most] for _ in (0, 1))
    shape = tuple(p + size + q for p, size, q in zip(begin, x.shape, end))
    if np.prod(shape) <= MOST_ELEMENTS:
        operands = [x, b.constant([*begin, *end])]
        b.node("Pad", operands, (x.dtype, shape), exact=True, mode=mode)


def gathering(b: Builder) -> None:
    x = b.any_value((1, 4))
    axis = b.integer(0, x.rank - 1)
    picked = b.shape((0, 2))
    size = x.shape[axis]
    indices = np.array([b.integer(-size, size - 1) for _ in range(int(np.prod(picked)))][:64])
    indices = np.resize(indices, picked).astype(np.int64)
    shape = (*x.shape[:axis], *picked, *x.shape[axis + 1 :])
    if np.prod(shape) <= MOST_ELEMENTS:
        b.node("Gather", [x, b.constant(indices)], (x.dtype, shape), exact=True, axis=axis)


def expansion(b: Builder) -> None:
    x = b.any_value((0, 3))
    shape = (b.integer(1, 4), *(b.integer(2, 5) if size == 1 else size for size in x.shape))
    if np.prod(shape) <= MOST_ELEMENTS:
        b.node("Expand", [x, b.constant(list(shape))], (x.dtype, shape), exact=True)


def repetition(b: Builder) -> None:
    x = b.any_value((1, 3))
    counts = [b.integer(1, 3) for _ in x.shape]
    shape = tuple(size * count for size, count in zip(x.shape, counts))
    if np.prod(shape) <= MOST_ELEMENTS:
        b.node("Tile", [x, b.constant(counts)], (x.dtype, shape), exact=True)


def running_sum(b: Builder) -> None:
    x = b.float_value((1, 3)) if b.flag() else b.integer_value((1, 3))
    axis = np.array(b.integer(0, x.rank - 1), np.int64)
    attributes = {"reverse": int(b.flag()), "exclusive": int(b.flag())}
    operands = [x, b.constant(axis)]
    b.node("CumSum", operands, (x.dtype, x.shape), exact=x.is_integer, **attributes)


OPERATIONS: tuple[Callable[[Builder], None], ...] = (
    *(exact_unary, smooth_unary, arithmetic, reshape, transposition, matmul, reduction),
    *(softmax, layer_norm, convolution, pooling, concatenation, slicing, comparison, logic),
    *(selection, conversion, jumping_unary, positive_unary, exponential, division, remainder),
    *(extremum_place, batch_norm, gemm, splitting, padding, gathering, expansion, repetition),
    running_sum,
)
