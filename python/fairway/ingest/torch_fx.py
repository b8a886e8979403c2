# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a cleaned FX graph as torch-dialect bytecode, with module paths as locations."""

from __future__ import annotations

import io
from typing import Any

from fairway.errors import Error, UnsupportedOp
from fairway.ingest._torch_mlir import import_torch_mlir, register_torch_dialect
from fairway.ingest.torch_graph import module_path, source_line

__all__ = ["write_bytecode"]


def write_bytecode(graph_module: Any) -> bytes:
    """Builds `@main` in the torch dialect from a graph without weights.

    Args:
        graph_module: A `torch.fx.GraphModule`; its placeholders become arguments. Attributes
            that several operands name are named anew for each.

    Raises:
        UnsupportedOp: The importer cannot express an operation of the graph.
    """
    ir = import_torch_mlir("ir")
    fx_importer = import_torch_mlir("extras.fx_importer")
    context = ir.Context()
    register_torch_dialect(context)
    importer = fx_importer.FxImporter(context=context, hooks=_hooks(ir, fx_importer))
    cache = _located_cache(ir, fx_importer, context, importer)
    importer._cc = cache
    _name_attributes_anew(graph_module.graph)
    try:
        importer.import_graph_module(graph_module, func_name="main")
        buffer = io.BytesIO()
        importer.module.operation.write_bytecode(buffer)
    except Error:
        raise
    except Exception as error:
        raise _import_error(error, cache.current) from error
    return buffer.getvalue()


def _name_attributes_anew(graph: Any) -> None:
    """Makes every operand that is an attribute a node of its own.

    The importer makes a constant wherever it meets one, stops at a node that has one, and makes
    none for a result.
    """
    import torch

    (output,) = graph.find_nodes(op="output")
    for node in list(graph.find_nodes(op="get_attr")):

        def anew(operand: Any, node: Any = node) -> Any:
            return graph.node_copy(node) if operand is node else operand

        if output in node.users:
            with graph.inserting_after(node):
                copy = graph.call_function(torch.ops.aten.clone.default, (node,))
            copy.meta.update(node.meta)
            output.replace_input_with(node, copy)
        with graph.inserting_before(node):
            for user in list(node.users):
                user.args = torch.fx.map_arg(user.args, anew)
                user.kwargs = torch.fx.map_arg(user.kwargs, anew)
        graph.erase_node(node)


def _located_cache(ir: Any, fx_importer: Any, context: Any, importer: Any) -> Any:
    """Adds the module path and the operation's name to each source line.

    The location of an operation is `"module path"("aten.name"(source line))`.
    """
    base: Any = fx_importer.ContextCache

    class LocatedCache(base):
        __slots__ = ("current",)

        def get_node_location(self, node: Any) -> Any:
            self.current = node
            location: Any = base.get_node_location(self, node)
            with context:
                location = location or ir.Location.unknown()
                if node.op == "call_function":
                    location = ir.Location.name(str(node.target), location)
                path = module_path(node)
                return ir.Location.name(path, location) if path else location

    cache = LocatedCache(context, py_attr_tracker=importer._py_attr_tracker)
    cache.current = None
    return cache


def _hooks(ir: Any, fx_importer: Any) -> Any:
    """Makes small constants plain attributes, which later stages can fold."""
    import torch

    class InlineLiterals(fx_importer.FxImporterHooks):
        def resolve_literal(self, gni: Any, literal: Any, info: Any) -> Any:
            del info
            if not isinstance(literal, torch.Tensor) or literal.dtype == torch.bfloat16:
                return None
            array = literal.detach().cpu().contiguous().numpy()
            kind = gni._cc.tensor_to_vtensor_type(literal)
            attribute = ir.DenseElementsAttr.get(array, signless=False)
            return ir.Operation.create(
                name="torch.vtensor.literal",
                results=[kind],
                attributes={"value": attribute},
            ).result

    return InlineLiterals()


def _import_error(error: Exception, node: Any) -> Error:
    where = source_line(node) if node is not None else None
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if node is not None and node.op == "call_function":
        return UnsupportedOp(
            f"the PyTorch operation '{node.target}' is not supported ({text[:300]})",
            where=where,
            hint="replace it by operations that are, or cut the model before it",
        )
    return UnsupportedOp(
        f"the graph cannot be expressed for the compiler ({text[:300]})", where=where
    )
