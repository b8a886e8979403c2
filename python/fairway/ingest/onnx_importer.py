# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX importer: path, bytes or `ModelProto` to `Program`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairway.errors import Error, InvalidModel, UnsupportedOp
from fairway.ingest._paths import path_of
from fairway.ingest._torch_mlir import import_torch_mlir, register_torch_dialect
from fairway.ingest.lowering import ONNX_PIPELINES, Lowered, Progress, Worker
from fairway.ingest.onnx_bodies import BODIES, refuse_misread, replace
from fairway.ingest.onnx_crash import explain_crash
from fairway.ingest.onnx_expand import expand, has_body, inexact, opset_of
from fairway.ingest.onnx_fold import small_constants, static_shapes
from fairway.ingest.onnx_open import (
    OpenModel,
    arguments,
    name_nodes,
    open_model,
    results,
    simplify,
    used_weights,
)
from fairway.ingest.onnx_read import BYTES, OnnxSource
from fairway.ingest.onnx_samples import lower_open
from fairway.ingest.onnx_weights import Weight
from fairway.ingest.source import PlainSource
from fairway.program import Program

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
    opened = open_model(model, args, kwargs, dims, progress)
    return PlainSource(
        lambda dump: _lower(opened, progress, dump), opened.key, opened.arrays().__getitem__
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
        args: Example inputs by position. Where they are given, open dimensions become
            fixed to their sizes, except those that `dims` keeps open.
        kwargs: Example inputs by name.
        dims: By dimension name, or by input and axis: sizes, which fix them, or names and
            `fairway.Dim`s, which keep them open. What nothing fixes stays open.
        progress: Called with the title of each stage.

    Raises:
        InvalidModel: The file is missing, damaged or breaks ONNX's rules.
        UnsupportedOp: The model uses an operation that cannot be lowered.
        InvalidArgument: The examples or `dims` do not fit the model.
    """
    return begin(model, args, kwargs, dims, progress).program()


def _lower(opened: OpenModel, progress: Progress | None, dump: Path | None) -> Program:
    """Simplifies and lowers a model whose weights have been moved out."""

    def lower(prepared: OpenModel, part: str) -> tuple[list[Weight], Lowered]:
        return _lower_prepared(prepared, progress, None if dump is None else dump / part)

    return lower_open(opened, lower)


def _lower_prepared(
    prepared: OpenModel, progress: Progress | None, dump: Path | None
) -> tuple[list[Weight], Lowered]:
    source = prepared.source
    if names := inexact(source.proto):
        _expand(source, names)
    _correct(source)
    weights = used_weights(source.proto, prepared.weights)
    return weights, _lower_expanding(source, weights, progress, dump)


def _lower_expanding(
    source: OnnxSource, weights: Sequence[Weight], progress: Progress | None, dump: Path | None
) -> Lowered:
    """Lowers the model; operations that fail are expanded to their ONNX function body."""

    def lower(proto: Any) -> Lowered:
        with Worker(progress=progress, dump=dump) as worker:
            inputs, outputs = arguments(proto.graph, weights), results(proto.graph)
            bytecode = _write_bytecode(proto)
            return worker.lower(bytecode, ONNX_PIPELINES, inputs, outputs, "onnx")

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
        if not remaining or not _replace(source, names):
            raise failure
    raise AssertionError("the last round returns or raises")


def _replace(source: OnnxSource, names: set[str]) -> bool:
    """Replaces operations by our body or by the standard's; says whether there was any."""
    graph = source.proto.graph
    own = names & BODIES.keys()
    known = (static_shapes(graph), small_constants(graph))
    if own and replace(graph, own, *known, opset=opset_of(source.proto)):
        simplify(source)
        return True
    standard = {name for name in names if has_body(name)}
    if standard:
        _expand(source, standard)
    return bool(standard)


def _expand(source: OnnxSource, names: set[str]) -> None:
    source.proto = expand(source.proto, names)
    name_nodes(source.proto.graph)
    simplify(source)
    _correct(source)


def _correct(source: OnnxSource) -> None:
    """Replaces or refuses what torch-mlir would compute wrongly, or blame others for."""
    graph = source.proto.graph
    known = (static_shapes(graph), small_constants(graph))
    opset = opset_of(source.proto)
    if replace(graph, set(BODIES), *known, only_misread=True, opset=opset):
        simplify(source)
    refuse_misread(source.proto.graph)


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
