# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bodies for ONNX operations that the standard defines by words only.

Each is written for the shapes and attributes of one node, which are known here. Those that
look for places (`TopK`, `ScatterElements`) compare all pairs; the comparisons are reduced in
the kernel that makes them and never stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairway.errors import UnsupportedOp
from fairway.ingest.onnx_attention import attention
from fairway.ingest.onnx_body import Body
from fairway.ingest.onnx_caches import causal_convolution, tensor_scatter
from fairway.ingest.onnx_convolution import (
    convolve_integers,
    is_padded_mean,
    padded_mean,
    power_pool,
    transposed_convolution,
)
from fairway.ingest.onnx_fourier import dft, stft
from fairway.ingest.onnx_moves import (
    backward_slice,
    number_range,
    reverse_sequence,
    space_to_depth,
    wrap,
)
from fairway.ingest.onnx_numbers import arithmetic, is_misread_arithmetic
from fairway.ingest.onnx_quantize import dequantize, quantize, quantized_product
from fairway.ingest.onnx_read import import_onnx
from fairway.ingest.onnx_recurrent import recurrent, scan
from fairway.ingest.onnx_resize import resize_matrices
from fairway.ingest.onnx_sampling import grid_sample
from fairway.ingest.onnx_windows import col2im, max_unpool

__all__ = ["BODIES", "refuse_misread", "replace"]

_INT64 = 7  # of TensorProto


def _top_k(b: Body) -> list[str]:
    shape = b.shape(0)
    axis = b.attribute("axis", -1) % len(shape)
    k = b.constant(1)
    assert k is not None
    size, count = shape[axis], int(k.reshape(-1)[0])
    lanes = b.last(b.node.input[0], len(shape), axis)
    this, other = b.unsqueeze(lanes, -1), b.unsqueeze(lanes, -2)
    number = np.arange(size)
    earlier = number[None, :] < number[:, None]  # equal elements keep their order
    ahead = b.add("Greater" if b.attribute("largest", 1) else "Less", other, this)
    before = b.add("Or", ahead, b.add("And", b.add("Equal", other, this), earlier))
    place = b.reduce("ReduceSum", b.add("Cast", before, to=_INT64))
    hits = b.add("Equal", b.unsqueeze(place, -2), np.arange(count)[:, None])
    index = b.reduce("ReduceSum", b.add("Where", hits, number, np.zeros(1, np.int64)))
    values = b.add("GatherElements", lanes, index, axis=len(shape) - 1)
    return [b.back(values, len(shape), axis), b.back(index, len(shape), axis)]


def _running(b: Body) -> list[str]:
    """A running sum or product: a reduction of what comes up to each place."""
    operation, neutral = {"CumProd": ("ReduceProd", 1), "CumSum": ("ReduceSum", 0)}[b.node.op_type]
    shape = b.shape(0)
    given = b.constant(1)
    assert given is not None
    axis = int(given.reshape(-1)[0]) % len(shape)
    number = np.arange(shape[axis])
    keep = number[None, :] <= number[:, None]
    if b.attribute("exclusive", 0):
        keep = number[None, :] < number[:, None]
    if b.attribute("reverse", 0):
        keep = keep.T
    terms = b.unsqueeze(b.last(b.node.input[0], len(shape), axis), -2)
    idle = b.add("CastLike", np.full(1, neutral, np.float32), b.node.input[0])
    result = b.reduce(operation, b.add("Where", keep, terms, idle))
    return [b.back(result, len(shape), axis)]


def _scatter_elements(b: Body) -> list[str]:
    data, indices, updates = b.node.input[:3]
    shape, given = b.shape(0), b.shape(1)
    rank, axis = len(shape), b.attribute("axis", 0) % len(shape)
    reduction = b.attribute("reduction", "none")
    size = np.array([shape[axis]])
    indices = b.add("Cast", indices, to=_INT64)
    negative = b.add("Less", indices, np.zeros(1, np.int64))
    indices = b.add("Where", negative, b.add("Add", indices, size), indices)
    missing = [0 if i == axis else shape[i] - given[i] for i in range(rank)]
    if any(missing):
        pads = np.array([0] * rank + missing)
        zero = b.add("CastLike", np.zeros((), np.float32), data)
        indices = b.add("Pad", indices, pads, np.array(-1))
        updates = b.add("Pad", updates, pads, zero)
    lanes, terms = b.last(data, rank, axis), b.last(updates, rank, axis)
    places = np.arange(shape[axis])[:, None]
    hits = b.add("Equal", b.unsqueeze(b.last(indices, rank, axis), -2), places)
    if reduction == "none":
        # Of several updates of one place the last stays.
        number = np.arange(given[axis])
        found = b.add("Where", hits, number, np.full(1, -1))
        newest = b.reduce("ReduceMax", found)
        index = b.add("Max", newest, np.zeros(1, np.int64))
        chosen = b.add("GatherElements", terms, index, axis=rank - 1)
        hit = b.add("GreaterOrEqual", newest, np.zeros(1, np.int64))
        return [b.back(b.add("Where", hit, chosen, lanes), rank, axis)]
    operation, join = {
        "add": ("ReduceSum", "Add"),
        "mul": ("ReduceProd", "Mul"),
        "max": ("ReduceMax", "Max"),
        "min": ("ReduceMin", "Min"),
    }[reduction]
    if reduction in ("add", "mul"):
        neutral = np.full(1, reduction == "mul", np.float32)
        idle = b.add("CastLike", neutral, data)
    else:  # the place's own value changes nothing
        idle = b.unsqueeze(lanes, -1)
    met = b.reduce(operation, b.add("Where", hits, b.unsqueeze(terms, -2), idle))
    return [b.back(b.add(join, lanes, met), rank, axis)]


def _resize(b: Body) -> list[str]:
    """A product with one matrix along each axis that changes."""
    shape, result = b.shape(0), b.shapes[b.node.output[0]]
    if b.attribute("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise KeyError("places outside of the image are no sums of its own")
    scales = b.constant(2)
    axes = [axis % len(shape) for axis in b.attribute("axes", range(len(shape)))]
    matrices = resize_matrices(
        shape,
        result,
        axes,
        None if scales is None or not scales.size else scales,
        b.constant(3),
        policy=b.attribute("keep_aspect_ratio_policy", "stretch"),
        mode=b.attribute("mode", "nearest"),
        transformation=b.attribute("coordinate_transformation_mode", "half_pixel"),
        rounding=b.attribute("nearest_mode", "round_prefer_floor"),
        cubic=b.attribute("cubic_coeff_a", -0.75),
        exclude_outside=bool(b.attribute("exclude_outside", 0)),
        antialias=bool(b.attribute("antialias", 0)),
    )
    value = b.node.input[0]
    for axis, matrix in matrices.items():
        weights = b.add("CastLike", matrix.T.astype(np.float32), b.node.input[0])
        moved = b.last(value, len(shape), axis)
        value = b.back(b.add("MatMul", moved, weights), len(shape), axis)
    return [value]


def _shift(b: Body) -> list[str]:
    """By the width and more nothing is left; processors take the width's remainder."""
    x, shift = b.node.input
    width, direction = b.dtypes[x].itemsize * 8, b.attribute("direction", "LEFT")
    zero = b.add("CastLike", np.zeros(1, np.int64), x)
    limit = b.add("CastLike", np.array([width]), shift)
    inside = b.add("Less", shift, limit)
    signed = b.dtypes[x].kind == "i"
    if signed:
        inside = b.add("And", inside, b.add("GreaterOrEqual", shift, zero))
    if signed and direction == "RIGHT":  # nothing is left but the sign
        most = b.add("CastLike", np.array([width - 1]), shift)
        return [b.add("BitShift", x, b.add("Where", inside, shift, most), direction=direction)]
    kept = b.add("Where", inside, shift, zero)
    shifted = b.add("BitShift", x, kept, direction=direction)
    return [b.add("Where", inside, shifted, zero)]


def _normalize(b: Body) -> list[str]:
    """What has no length stays nothing; torch-mlir divides by it."""
    x, rank = b.node.input[0], len(b.shape(0))
    axis = np.array([b.attribute("axis", -1) % rank])
    norm = b.add("ReduceL1" if b.attribute("p", 2) == 1 else "ReduceL2", x, axis, keepdims=1)
    zero = b.add("CastLike", np.zeros(1, np.float32), x)
    one = b.add("CastLike", np.ones(1, np.float32), x)
    # Of nothing but zeros the division by one gives zeros.
    return [b.add("Div", x, b.add("Where", b.add("Equal", norm, zero), one, norm))]


def _scaled_product(b: Body) -> list[str]:
    """A product with a factor and nothing to add, whose factor torch-mlir forgets."""
    if len(b.node.input) > 2 and b.node.input[2]:
        raise KeyError("torch-mlir has it where something is added")
    left, right = b.node.input[:2]
    if b.attribute("transA", 0):
        left = b.add("Transpose", left, perm=[1, 0])
    if b.attribute("transB", 0):
        right = b.add("Transpose", right, perm=[1, 0])
    factor = np.array([b.attribute("alpha", 1.0)], np.float32)
    product = b.add("MatMul", left, right)
    return [b.add("Mul", product, b.add("CastLike", factor, product))]


def _product_of_vectors(b: Body) -> list[str]:
    """A product whose one side is a vector: a matrix of one row or one column."""
    (left, right), ranks = b.node.input, (len(b.shape(0)), len(b.shape(1)))
    if 1 not in ranks:
        raise KeyError("torch-mlir has it for matrices")
    left = b.unsqueeze(left, 0) if ranks[0] == 1 else left
    right = b.unsqueeze(right, -1) if ranks[1] == 1 else right
    product = b.add("MatMul", left, right)
    axes = [-2] * (ranks[0] == 1) + [-1] * (ranks[1] == 1)
    return [b.add("Squeeze", product, np.array(axes))]


def _pass(b: Body) -> list[str]:
    """`Dropout` outside of training keeps all."""
    training = b.constant(2)
    if training is not None and training.any():
        raise KeyError("what training drops is random")
    kept = b.add("Expand", np.ones(1, bool), np.array(b.shape(0), np.int64))
    return [b.add("Identity", b.node.input[0]), kept]


_ARITHMETIC = ("Abs", "Clip", "Div", "Max", "Min", "Mod", "Neg", "Pow", "Sign")

BODIES: Mapping[str, Callable[[Body], list[str]]] = {
    **dict.fromkeys(_ARITHMETIC, arithmetic),
    "Attention": attention,
    "AveragePool": padded_mean,
    "BitShift": _shift,
    "CausalConvWithState": causal_convolution,
    "Col2Im": col2im,
    "ConvInteger": convolve_integers,
    "ConvTranspose": transposed_convolution,
    "CumProd": _running,
    "CumSum": _running,
    "DFT": dft,
    "DequantizeLinear": dequantize,
    "Dropout": _pass,
    "GRU": recurrent,
    "Gemm": _scaled_product,
    "GridSample": grid_sample,
    "LSTM": recurrent,
    "LpNormalization": _normalize,
    "LpPool": power_pool,
    "MatMul": _product_of_vectors,
    "MaxUnpool": max_unpool,
    "Pad": wrap,
    "QLinearMatMul": quantized_product,
    "QuantizeLinear": quantize,
    "RNN": recurrent,
    "Range": number_range,
    "Resize": _resize,
    "ReverseSequence": reverse_sequence,
    "STFT": stft,
    "Scan": scan,
    "ScatterElements": _scatter_elements,
    "Slice": backward_slice,
    "SpaceToDepth": space_to_depth,
    "TensorScatter": tensor_scatter,
    "TopK": _top_k,
}
"""Writes the body of an operation; raises KeyError where it has to know more."""


_MISREAD = {
    "BitShift",
    "DequantizeLinear",
    "GridSample",
    "LpNormalization",
    "ReverseSequence",
    "Scan",
    "Slice",  # its body leaves those that walk forwards
}


def _is_misread(b: Body) -> bool:
    """Whether torch-mlir computes something else than the standard says."""
    if b.node.op_type in _MISREAD:
        return True
    if b.node.op_type == "AveragePool":
        return is_padded_mean(b)
    if b.node.op_type in _ARITHMETIC:
        return is_misread_arithmetic(b)
    if b.node.op_type == "QLinearMatMul":
        return len(b.shape(0)) > 2 or len(b.shape(3)) > 2
    if b.node.op_type == "Gemm":
        added = len(b.node.input) > 2 and b.node.input[2] != ""
        return not added and b.attribute("alpha", 1.0) != 1
    if b.node.op_type == "Pad":
        return b.attribute("mode", "constant") == "wrap"
    if b.node.op_type == "SpaceToDepth":
        return b.attribute("mode", "DCR") == "CRD"
    if b.node.op_type != "Resize":
        return False
    if b.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        return True
    scales = b.constant(2)
    if b.attribute("coordinate_transformation_mode", "") != "align_corners" or scales is None:
        return False
    shape = b.shape(0)
    axes = b.attribute("axes", range(len(shape)))
    return any(float(s) * shape[axis] % 1 for axis, s in zip(axes, scales))


def refuse_misread(graph: Any) -> None:
    """Refuses what torch-mlir computes wrongly and no body here replaces.

    Raises:
        UnsupportedOp: There is such a node.
    """
    for node in graph.node:
        if node.op_type == "LSTM" and len(node.input) > 7 and node.input[7]:
            what = "with peepholes"
        elif node.op_type == "GridSample":
            what = "of volumes, with mirrors or by cubic curves"
        else:
            continue
        raise UnsupportedOp(
            f"the ONNX operation 'onnx.{node.op_type}' {what} is not supported",
            where=f"node '{node.name}'",
            hint="replace it by operations that are, or cut the model before it",
            operations=(f"onnx.{node.op_type}",),
        )


def _dtypes(graph: Any) -> dict[str, np.dtype[Any]]:
    helper = import_onnx().helper
    values = (*graph.input, *graph.value_info, *graph.output)
    elements = {value.name: value.type.tensor_type.elem_type for value in values}
    elements |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    return {
        name: np.dtype(helper.tensor_dtype_to_np_dtype(element))
        for name, element in elements.items()
        if element
    }


def replace(
    graph: Any,
    names: set[str],
    shapes: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, NDArray[Any]],
    *,
    only_misread: bool = False,
    opset: int = 0,
) -> int:
    """Puts bodies in the place of nodes.

    Args:
        graph: The graph, which is changed.
        names: The operations to replace, of `BODIES`.
        shapes: The static shapes of its values, by name.
        constants: The values of its small constants, by name.
        only_misread: Whether to leave those that torch-mlir computes as the standard says.
        opset: The operator set of the graph; the newest if it is 0.

    Returns:
        How many nodes were replaced; those whose shapes are not known stay.
    """
    replaced = 0
    nodes: list[Any] = []
    dtypes = _dtypes(graph)
    opset = opset or import_onnx().defs.onnx_opset_version()
    for node in graph.node:
        body = Body(node, shapes, constants, dtypes, opset)
        results = None
        with contextlib.suppress(KeyError):
            if node.op_type in names and (not only_misread or _is_misread(body)):
                results = BODIES[node.op_type](body)
        if results is None:
            nodes.append(node)
        else:
            nodes.extend(body.finish(results))
            replaced += 1
    kept = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    return replaced
