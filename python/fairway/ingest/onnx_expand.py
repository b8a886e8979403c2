# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Replaces ONNX operations by the function body that the standard defines for them."""

from __future__ import annotations

from typing import Any

from fairway.errors import UnsupportedOp
from fairway.ingest.onnx_read import import_onnx

__all__ = ["expand", "has_body", "inexact", "opset_of", "resolve_casts"]

_OWN = "fairway"  # the domain of functions that are inlined at once


def has_body(name: str) -> bool:
    """Whether the standard defines an operation by others."""
    onnx = import_onnx()
    if not onnx.defs.has(name):
        return False
    schema = onnx.defs.get_schema(name)
    return bool(schema.has_function or schema.has_context_dependent_function)


def expand(proto: Any, names: set[str]) -> Any:
    """Inlines the bodies of the named operations; gives a new model."""
    onnx = import_onnx()
    version = opset_of(proto)
    for node in proto.graph.node:
        if node.op_type in names and node.domain in ("", "ai.onnx"):
            _write_defaults(node, onnx.defs.get_schema(node.op_type, version, ""))
    _define(proto, names, version)
    chosen = [("", name) for name in sorted(names)]
    inliner = import_onnx("onnx.inliner")
    try:
        return inliner.inline_selected_functions(proto, chosen, inline_schema_functions=True)
    except RuntimeError as error:  # a body may need types that cannot be inferred
        listed = ", ".join(f"'onnx.{name}'" for name in sorted(names))
        raise UnsupportedOp(
            f"the ONNX operation {listed} is not supported: its body cannot be written out "
            f"({str(error).strip().splitlines()[0][-120:]})",
            operations=tuple(f"onnx.{name}" for name in sorted(names)),
        ) from error


def _define(proto: Any, names: set[str], version: int) -> None:
    """Gives nodes that leave operands out functions of the model's own.

    The inliner asks for the type of what is left out, and ends at that.
    """
    onnx = import_onnx()
    graph = proto.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type for value in values}
    for tensor in graph.initializer:
        types[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    nothing = onnx.TypeProto()
    made: list[Any] = []
    for node in graph.node:
        if node.op_type not in names or node.domain not in ("", "ai.onnx"):
            continue
        if "" not in node.input or not all(name in types for name in node.input if name):
            continue
        schema = onnx.defs.get_schema(node.op_type, version, "")
        versions = schema.context_dependent_function_opset_versions
        if not versions:
            continue
        # The latest body that the model's operator set knows.
        since = max((known for known in versions if known <= version), default=versions[0])
        body = schema.get_context_dependent_function_with_opset_version(
            since,
            node.SerializeToString(),
            [types.get(name, nothing).SerializeToString() for name in node.input],
        )
        function = onnx.FunctionProto.FromString(body)
        function.domain, function.name = _OWN, f"{node.op_type}.{len(made)}"
        node.domain, node.op_type = function.domain, function.name
        made.append(function)
    if made:
        proto.functions.extend(made)
        proto.opset_import.append(onnx.helper.make_opsetid(_OWN, 1))
        proto.CopyFrom(import_onnx("onnx.inliner").inline_local_functions(proto))


def opset_of(proto: Any) -> int:
    """The version of the operator set that a model is written in."""
    return max(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx"))


def inexact(proto: Any) -> set[str]:
    """Names the operations that torch-mlir computes less exactly than their body.

    Those are `Gelu` by tanh, where it has 0.797724 for sqrt(2 / pi) = 0.797885, and
    `SoftmaxCrossEntropyLoss` with weights, which it adds up as integers.
    """
    return {node.op_type for node in proto.graph.node if _is_inexact(node)}


def _is_inexact(node: Any) -> bool:
    if node.op_type == "Gelu":
        return any(a.name == "approximate" and a.s == b"tanh" for a in node.attribute)
    weighted = len(node.input) > 2 and node.input[2] != ""
    return node.op_type == "SoftmaxCrossEntropyLoss" and weighted


def resolve_casts(proto: Any) -> int:
    """Makes each `CastLike` whose type is known a `Cast`, in place; gives their number."""
    onnx = import_onnx()
    graph = proto.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    resolved = 0
    for node in graph.node:
        kind = types.get(node.input[1], 0) if node.op_type == "CastLike" else 0
        if kind:
            node.op_type = "Cast"
            del node.input[1:]
            node.attribute.append(onnx.helper.make_attribute("to", kind))
            resolved += 1
    return resolved


def _write_defaults(node: Any, schema: Any) -> None:
    """Writes default attributes out, because inlining drops references to absent ones."""
    given = {attribute.name for attribute in node.attribute}
    for name, attribute in schema.attributes.items():
        if name not in given and attribute.default_value.name:
            node.attribute.append(attribute.default_value)
