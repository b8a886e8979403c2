# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX importer: path, bytes or `ModelProto` to `Program`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fairway.errors import Error, InvalidModel, UnsupportedOp
from fairway.ingest._paths import path_of
from fairway.ingest._torch_mlir import import_torch_mlir, register_torch_dialect
from fairway.ingest.lowering import ONNX_PIPELINES, Lowered, Progress, Worker, ignore_progress
from fairway.ingest.onnx_crash import explain_crash
from fairway.ingest.onnx_dims import bind, name_unknown, shape_of
from fairway.ingest.onnx_expand import expand, has_body, inexact, resolve_casts
from fairway.ingest.onnx_fold import fold
from fairway.ingest.onnx_key import graph_key
from fairway.ingest.onnx_read import (
    BYTES,
    OnnxSource,
    check,
    check_operations,
    import_onnx,
    infer_shapes,
    read,
    upgrade,
)
from fairway.ingest.onnx_weights import Weight, extract
from fairway.ingest.source import PlainSource
from fairway.program import InputOutputTree, Kind, Program, TensorSpec
from fairway.tree import Tree

__all__ = ["accepts", "begin", "load"]

_MAX_EXPANSIONS = 4


def accepts(model: Any) -> bool:
    """Whether `model` is an ONNX model or an `.onnx` path; does not import onnx."""
    if isinstance(model, BYTES):
        return True
    path = path_of(model)
    if path is not None:
        return path.lower().endswith(".onnx")
    return type(model).__module__.startswith("onnx") and type(model).__name__ == "ModelProto"


def begin(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> PlainSource:
    """Reads an ONNX model and moves its weights out; takes and raises what `load` does."""
    tell = progress or ignore_progress
    tell("reading the model")
    source = read(model)
    source.proto = upgrade(source.proto, source.label)
    weights = extract(source)
    names = {weight.name for weight in weights}
    inputs = [value for value in source.proto.graph.input if value.name not in names]
    _check_types(inputs, source)
    name_unknown(inputs)
    sizes = bind(inputs, args, dict(kwargs or {}), dims)
    arrays = {weight.name: weight.array for weight in weights}
    return PlainSource(
        lambda: _lower(source, weights, sizes, progress),
        graph_key(source.proto, weights, sizes),
        arrays.__getitem__,
    )


def load(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> Program:
    """Imports an ONNX model.

    Args:
        model: Path, bytes or `ModelProto`, of operator set 11 or newer; older ones are
            converted.
        args: Example inputs by position. Where they are given, symbolic dimensions
            become fixed to their sizes, except those named in `dims`.
        kwargs: Example inputs by name.
        dims: Sizes by dimension name, or symbolic dimensions by input and axis.
        progress: Called with the title of each stage.

    Raises:
        InvalidModel: The file is missing, damaged or breaks ONNX's rules.
        UnsupportedOp: The model uses an operation that cannot be lowered.
        InvalidArgument: The examples or `dims` do not fit the model.
    """
    return begin(model, args, kwargs, dims, progress).program()


def _lower(
    source: OnnxSource,
    weights: Sequence[Weight],
    sizes: Mapping[str, int],
    progress: Progress | None,
) -> Program:
    """Simplifies and lowers a model whose weights have been moved out."""
    check_operations(source.proto, source.label)
    if any(not value.type.tensor_type.HasField("shape") for value in source.proto.graph.output):
        source.proto = infer_shapes(source.proto, source.label)
    check(source.proto, source.label)
    if source.proto.functions:
        source.proto = import_onnx("onnx.inliner").inline_local_functions(source.proto)
    _set_sizes(source.proto.graph, sizes)
    _name_nodes(source.proto.graph)
    source.proto = _simplify(source.proto, source.label)
    if names := inexact(source.proto):
        _expand(source, names)
    used = _used_weights(source.proto, weights)
    return _program(used, _lower_expanding(source, used, progress))


def _simplify(proto: Any, label: str) -> Any:
    """Infers shapes and folds constants until nothing more is known."""
    proto = infer_shapes(proto, label)
    while resolve_casts(proto) + fold(proto):
        proto = infer_shapes(proto, label)
    return proto


def _lower_expanding(
    source: OnnxSource, weights: Sequence[Weight], progress: Progress | None
) -> Lowered:
    """Lowers the model; operations that fail are expanded to their ONNX function body."""

    def lower(proto: Any) -> Lowered:
        with Worker(progress=progress) as worker:
            outputs = [_spec(value, "output") for value in proto.graph.output]
            arguments = _arguments(proto.graph, weights)
            bytecode = _write_bytecode(proto)
            return worker.lower(bytecode, ONNX_PIPELINES, arguments, outputs, "onnx")

    for remaining in reversed(range(_MAX_EXPANSIONS)):
        try:
            return lower(source.proto)
        except UnsupportedOp as error:
            failure: Error = error
        except InvalidModel as error:
            failure = explain_crash(source.proto, lower, error)
        present = {node.op_type for node in source.proto.graph.node}
        blamed = {name.removeprefix("onnx.") for name in getattr(failure, "operations", ())}
        names = (blamed & present) or present  # What failed may stem from any operation.
        names = {name for name in names if has_body(name)}
        if not names or not remaining:
            raise failure
        _expand(source, names)
    raise AssertionError("the last round returns or raises")


def _expand(source: OnnxSource, names: set[str]) -> None:
    source.proto = expand(source.proto, names)
    _name_nodes(source.proto.graph)
    source.proto = _simplify(source.proto, source.label)


def _write_bytecode(proto: Any) -> bytes:
    """Builds `@main` in the torch dialect; each node keeps its name as location."""
    ir = import_torch_mlir("ir")
    importer = import_torch_mlir("extras.onnx_importer")
    context = ir.Context()
    register_torch_dialect(context)
    proto.graph.name = "main"
    try:
        info = importer.ModelInfo(proto, config=importer.Config())
        module = info.create_module(context=context).operation
        importer.NodeImporter.define_function(info.main_graph, module).import_all()
        buffer = io.BytesIO()
        module.write_bytecode(buffer)
    except Exception as error:
        text = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise UnsupportedOp(f"the ONNX graph cannot be imported: {text[:300]}") from error
    return buffer.getvalue()


def _arguments(graph: Any, weights: Sequence[Weight]) -> list[TensorSpec]:
    kinds: dict[str, Kind] = {weight.name: weight.kind for weight in weights}
    return [_spec(value, kinds.get(value.name, "input")) for value in graph.input]


def _spec(value: Any, kind: Kind) -> TensorSpec:
    onnx = import_onnx()
    element = value.type.tensor_type.elem_type
    dtype: np.dtype[Any] = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(element))
    shape = tuple("?" if size == "" else size for size in shape_of(value))
    return TensorSpec(value.name, str(dtype), shape, kind)


def _program(weights: Sequence[Weight], lowered: Lowered) -> Program:
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


def _used_weights(proto: Any, weights: Sequence[Weight]) -> list[Weight]:
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
    for value in (*inputs, *source.proto.graph.output):
        kind = value.type.WhichOneof("value")
        if kind not in (None, "tensor_type"):
            raise UnsupportedOp(
                f"'{value.name}' is a {kind.removesuffix('_type')}; inputs and outputs must be "
                "tensors",
                where=source.label,
            )


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


def _name_nodes(graph: Any) -> None:
    """Makes each node's name its location: `name (Operation)`."""
    for index, node in enumerate(graph.node):
        suffix = f" ({node.op_type})"
        if not node.name.endswith(suffix):
            node.name = (node.name or f"node {index}") + suffix
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _name_nodes(attribute.g)
