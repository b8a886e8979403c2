# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What every importer of ONNX does before and after lowering: open, simplify, describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fairway.errors import UnsupportedOp
from fairway.ingest.lowering import Lowered, Progress, ignore_progress
from fairway.ingest.onnx_dims import OpenDim, bind, name_unknown, shape_of
from fairway.ingest.onnx_expand import resolve_casts
from fairway.ingest.onnx_fold import fold
from fairway.ingest.onnx_key import graph_key
from fairway.ingest.onnx_read import (
    OnnxSource,
    check,
    check_operations,
    dtype_name,
    import_onnx,
    infer_shapes,
    read,
    upgrade,
)
from fairway.ingest.onnx_weights import Weight, extract
from fairway.program import InputOutputTree, Kind, Program, TensorSpec, check_dtype
from fairway.tree import Tree

__all__ = [
    "OpenModel",
    "arguments",
    "name_nodes",
    "open_model",
    "prepare",
    "program",
    "results",
    "simplify",
    "used_weights",
]

LIMIT_OF_SAMPLES = 64
"""Of constants that are folded where open sizes have samples: no array with one is as short."""


@dataclass
class OpenModel:
    """A model whose weights have been moved out.

    Attributes:
        source: The graph; the weights are inputs of it.
        weights: What was moved out.
        sizes: The sizes that symbolic dimensions get.
        open: The dimensions that stay open.
        key: The content address of all of it, without the weights' values.
    """

    source: OnnxSource
    weights: list[Weight]
    sizes: dict[str, int]
    open: tuple[OpenDim, ...]
    key: str

    def arrays(self) -> dict[str, Any]:
        """The weights' data by name."""
        return {weight.name: weight.array for weight in self.weights}

    def at(self, values: Sequence[int]) -> OpenModel:
        """Copies the model with certain sizes for what stays open."""
        proto = type(self.source.proto)()
        proto.CopyFrom(self.source.proto)
        names = [each.dim.name for each in self.open]
        return replace(
            self,
            source=replace(self.source, proto=proto, limit=LIMIT_OF_SAMPLES),
            weights=list(self.weights),
            sizes=self.sizes | dict(zip(names, values, strict=True)),
            open=(),
        )


def open_model(
    model: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    dims: Any,
    progress: Progress | None,
) -> OpenModel:
    """Reads a model and moves its weights out; takes and raises what `load` does."""
    tell = progress or ignore_progress
    tell("reading the model")
    source = read(model)
    source.proto = upgrade(source.proto, source.label)
    weights = extract(source)
    names = {weight.name for weight in weights}
    inputs = [value for value in source.proto.graph.input if value.name not in names]
    _check_types(inputs, source)
    name_unknown(inputs)
    sizes, still_open = bind(inputs, args, dict(kwargs or {}), dims)
    key = graph_key(source.proto, weights, sizes, still_open)
    return OpenModel(source, weights, sizes, still_open, key)


def prepare(model: OpenModel) -> None:
    """Checks the graph, names its nodes and simplifies it, in place."""
    source = model.source
    check_operations(source.proto, source.label)
    if sum(_write_onesided(part.node) for part in (source.proto.graph, *source.proto.functions)):
        del source.proto.graph.value_info[:]
    if any(not value.type.tensor_type.HasField("shape") for value in source.proto.graph.output):
        source.proto = infer_shapes(source.proto, source.label)
    check(source.proto, source.label)
    if source.proto.functions:
        source.proto = import_onnx("onnx.inliner").inline_local_functions(source.proto)
    _set_sizes(source.proto.graph, model.sizes)
    name_nodes(source.proto.graph)
    simplify(source)


def simplify(source: OnnxSource) -> None:
    """Infers shapes and folds constants until nothing more is known, in place."""
    source.proto = infer_shapes(source.proto, source.label)
    while resolve_casts(source.proto) + fold(source.proto, source.limit):
        source.proto = infer_shapes(source.proto, source.label)


def arguments(graph: Any, weights: Sequence[Weight]) -> list[TensorSpec]:
    """Describes the graph's inputs and weights, in its order."""
    kinds: dict[str, Kind] = {weight.name: weight.kind for weight in weights}
    return [_spec(value, kinds.get(value.name, "input")) for value in graph.input]


def results(graph: Any) -> list[TensorSpec]:
    """Describes the graph's outputs."""
    return [_spec(value, "output") for value in graph.output]


def _spec(value: Any, kind: Kind) -> TensorSpec:
    onnx = import_onnx()
    element = value.type.tensor_type.elem_type
    dtype: np.dtype[Any] = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(element))
    shape = tuple("?" if size == "" else size for size in shape_of(value))
    return TensorSpec(value.name, str(dtype), shape, kind)


def program(weights: Sequence[Weight], lowered: Lowered) -> Program:
    """Joins what lowering gave with the weights that it takes."""
    inputs = tuple(spec for spec in lowered.arguments if spec.kind == "input")
    outputs = lowered.results
    leaf = Tree("tensor")
    tree = InputOutputTree(
        args=Tree("tuple", (leaf,) * len(inputs)),
        kwargs=Tree("dict"),
        outputs=leaf if len(outputs) == 1 else Tree("tuple", (leaf,) * len(outputs)),
        names=tuple(spec.name for spec in inputs),
    )
    return Program(
        module=lowered.module,
        inputs=inputs,
        parameters=tuple(spec for spec in lowered.arguments if spec.kind != "input"),
        outputs=outputs,
        arrays={weight.name: weight.array for weight in weights},
        tree=tree,
        framework="onnx",
    )


def used_weights(proto: Any, weights: Sequence[Weight]) -> list[Weight]:
    """Drops weights that nothing takes any more, and their arguments."""
    graph = proto.graph
    used = _names_used(graph)
    gone = {weight.name for weight in weights} - used
    for value in [value for value in graph.input if value.name in gone]:
        graph.input.remove(value)
    return [weight for weight in weights if weight.name not in gone]


def _names_used(graph: Any) -> set[str]:
    names = {value.name for value in graph.output}
    for node in graph.node:
        names |= set(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names |= _names_used(attribute.g)
    return names


def _check_types(inputs: Sequence[Any], source: OnnxSource) -> None:
    roles: list[tuple[Kind, Sequence[Any]]]
    roles = [("input", inputs), ("output", source.proto.graph.output)]
    for role, values in roles:
        for value in values:
            _check_type(value, role, source.label)


def _check_type(value: Any, role: Kind, label: str) -> None:
    kind = value.type.WhichOneof("value")
    if kind not in (None, "tensor_type"):
        raise UnsupportedOp(
            f"'{value.name}' is a {kind.removesuffix('_type')}; inputs and outputs must be tensors",
            where=label,
        )
    element = value.type.tensor_type.elem_type
    if element:  # an output's may have to be inferred
        check_dtype(value.name, dtype_name(element), role, label)


def _write_onesided(nodes: Any) -> int:
    """Writes a default of STFT out, for which ONNX's shape inference takes the other value.

    Returns:
        For how many nodes; what was inferred of them may be wrong.
    """
    onnx = import_onnx()
    written = 0
    for node in nodes:
        if node.op_type == "STFT" and all(a.name != "onesided" for a in node.attribute):
            node.attribute.append(onnx.helper.make_attribute("onesided", 1))
            written += 1
        for attribute in node.attribute:
            if attribute.HasField("g"):
                written += _write_onesided(attribute.g.node)
    return written


def _set_sizes(graph: Any, sizes: Mapping[str, int]) -> None:
    """Fixes symbolic dimensions; what was inferred with them is forgotten."""
    if not sizes:
        return
    for value in graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")


def name_nodes(graph: Any) -> None:
    """Makes each node's name its location: `name (Operation)`."""
    for index, node in enumerate(graph.node):
        suffix = f" ({node.op_type})"
        if not node.name.endswith(suffix):
            node.name = (node.name or f"node {index}") + suffix
        for attribute in node.attribute:
            if attribute.HasField("g"):
                name_nodes(attribute.g)
