# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Computes small constant parts of an ONNX graph: shapes, axes, ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fairway.ingest.onnx_read import FOLD_LIMIT, import_onnx

__all__ = ["fold", "small_constants", "static_shapes"]
_NEVER = frozenset(
    {
        "Bernoulli",
        "If",
        "Loop",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
        "Scan",
        "SequenceMap",
    }
)


def fold(proto: Any, limit: int = FOLD_LIMIT) -> int:
    """Replaces nodes whose value is known by initializers, in place.

    Known are nodes that take only small constants, and `Shape` and `Size` of values with
    inferred static shapes.

    Args:
        proto: The model.
        limit: Results of more elements are left to be computed.

    Returns:
        How many nodes were replaced.
    """
    onnx = import_onnx()
    graph = proto.graph
    known = small_constants(graph)
    shapes = static_shapes(graph)
    outputs = {value.name for value in graph.output}
    folded = 0
    for node in list(graph.node):
        if node.domain not in ("", "ai.onnx") or outputs & set(node.output):
            continue
        values = _evaluate(onnx, proto, node, known, shapes, limit)
        if values is None:
            continue
        for name, value in zip(node.output, values, strict=True):
            known[name] = value
            graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        graph.node.remove(node)
        folded += 1
    if folded:
        _drop_unused(onnx, graph)
        _forget_shapes(graph)
    return folded


def _evaluate(
    onnx: Any,
    proto: Any,
    node: Any,
    known: dict[str, Any],
    shapes: dict[str, tuple[int, ...]],
    limit: int,
) -> list[Any] | None:
    if node.op_type in ("Shape", "Size") and node.input[0] in shapes:
        shape = shapes[node.input[0]]
        if node.op_type == "Size":
            return [np.asarray(math.prod(shape), dtype=np.int64)]
        bounds = {a.name: a.i for a in node.attribute}
        return [np.asarray(shape[bounds.get("start") : bounds.get("end")], dtype=np.int64)]
    if node.op_type in _NEVER or any(name and name not in known for name in node.input):
        return None
    if any(attribute.HasField("g") for attribute in node.attribute):
        return None
    if any(name in shapes and math.prod(shapes[name]) > limit for name in node.output):
        return None
    reference = import_onnx("onnx.reference")
    feeds = {name: known[name] for name in node.input if name}
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node],
            "constant",
            [
                onnx.helper.make_tensor_value_info(
                    name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
                )
                for name, value in feeds.items()
            ],
            [onnx.helper.make_empty_tensor_value_info(name) for name in node.output],
        ),
        opset_imports=proto.opset_import,
    )
    try:
        values = [np.asarray(v) for v in reference.ReferenceEvaluator(model).run(None, feeds)]
    except Exception:  # noqa: BLE001 - the reference evaluator raises anything
        return None  # Folding is optional: the compiler meets the node as it is.
    if any(value.size > limit or value.dtype.kind not in "fiub" for value in values):
        return None
    return values


def small_constants(graph: Any) -> dict[str, Any]:
    """The values of the initializers of at most 1,024 elements, by name."""
    onnx = import_onnx()
    external = onnx.TensorProto.EXTERNAL
    return {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if tensor.data_location != external and math.prod(tensor.dims) <= FOLD_LIMIT
    }


def static_shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of the values whose sizes are all known, by name."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            shapes[value.name] = tuple(d.dim_value for d in tensor.shape.dim)
    return shapes


def _forget_shapes(graph: Any) -> None:
    """Removes what was inferred of values that are constants now: it may be less than is known."""
    constants = {tensor.name for tensor in graph.initializer}
    for value in [value for value in graph.value_info if value.name in constants]:
        graph.value_info.remove(value)


def _drop_unused(onnx: Any, graph: Any) -> None:
    """Removes initializers that nothing takes any more."""
    used = _used(graph)
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _used(graph: Any) -> set[str]:
    names = {value.name for value in graph.output}
    for node in graph.node:
        names |= set(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names |= _used(attribute.g)
    return names
