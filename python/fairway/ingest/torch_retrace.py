# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decomposes an exported graph by tracing it once, where that is all it takes.

`ExportedProgram.run_decompositions` traces as if somebody might differentiate the
result: it runs the graph to find out what it changes, traces it, makes a dozen modules
of it and checks each. The one trace that an inference needs takes a third of the time.
What needs more than that, such as control flow, is left to PyTorch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairway.ingest.torch_graph import INLINE_LIMIT

__all__ = ["Decomposed", "retrace"]


@dataclass(frozen=True)
class Decomposed:
    """A decomposed program: the part of an `ExportedProgram` that ingest reads.

    Attributes:
        graph_module: The graph. Its placeholders are named as in `graph_signature`, its
            output is a tuple in the order of the signature's.
        graph_signature: The signature of the program that was decomposed.
        state_dict: Its parameters and buffers.
        constants: Its constants.
    """

    graph_module: Any
    graph_signature: Any
    state_dict: Mapping[str, Any]
    constants: Mapping[str, Any]

    @property
    def graph(self) -> Any:
        """The module's graph."""
        return self.graph_module.graph


def retrace(torch: Any, program: Any, table: Mapping[Any, Callable[..., Any]]) -> Decomposed | None:
    """Decomposes a program to functional operations, or says that it cannot.

    Args:
        torch: The module.
        program: A `torch.export.ExportedProgram`.
        table: Decompositions by operation, as `run_decompositions` takes them.

    Returns:
        What `run_decompositions` makes, with fewer copies that have no effect; `None`
        where only that one can do it: the graph calls other graphs, has operations that
        must stay whole or tensors of other classes, or changes its inputs.
    """
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
    values = [node.meta.get("val") for node in placeholders]
    modes = {value.fake_mode for value in values if _is_fake(torch, value)}
    if len(modes) != 1 or not all(_is_plain(torch, value) for value in values):
        return None
    if not all(_is_simple(torch, node, table) for node in program.graph.nodes):
        return None
    traced = _trace(torch, program.graph_module, values, modes.pop(), table)
    if traced is None or not _is_functional(torch, traced):
        return None
    graph = traced.graph
    graph.eliminate_dead_code()
    made = [node for node in graph.nodes if node.op == "placeholder"]
    for node, original in zip(made, placeholders, strict=True):
        node.name = node.target = original.name
        node.meta.update(original.meta)
    traced.recompile()
    return Decomposed(traced, program.graph_signature, program.state_dict, program.constants)


def _trace(torch: Any, module: Any, values: list[Any], mode: Any, table: Any) -> Any:
    """Runs the graph on fake tensors; `None` if that changes its inputs."""
    from torch._subclasses.functional_tensor import FunctionalTensorMode, dispatch_functionalize
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.fx.traceback import preserve_node_meta

    interpreter = _interpreter(torch, module, table)
    changed = False

    def run(*arguments: Any) -> Any:
        nonlocal changed
        results = interpreter.run(*arguments)
        changed = any(_has_changed(torch, argument) for argument in arguments)
        return results

    tracing = importlib.import_module("torch.export._trace")
    with mode, preserve_node_meta(), tracing._ignore_backend_decomps():
        # Tokens put effects in order; a graph with some is refused afterwards.
        functional = FunctionalTensorMode(export=True, _allow_token_discovery=True)
        traced = make_fx(
            dispatch_functionalize(run, functional), dict(table), _allow_non_fake_inputs=True
        )(*values)
    return None if changed else traced


def _interpreter(torch: Any, module: Any, table: Any) -> Any:
    """Runs a graph, composite operations as the table says.

    PyTorch takes these apart in C++ before the tracer sees them; the others it hands on.
    """
    base: Any = torch.fx.Interpreter

    class Interpreter(base):
        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            if target in table and _may_stay_whole(target):
                found = table[target](*args, **kwargs)
                if found is not NotImplemented:
                    return found
            return base.call_function(self, target, args, kwargs)

    return Interpreter(module)


def _is_fake(torch: Any, value: object) -> bool:
    return type(value) is torch._subclasses.FakeTensor


def _is_plain(torch: Any, value: object) -> bool:
    return _is_fake(torch, value) or isinstance(value, (bool, int, float, str, type(None)))


def _is_simple(torch: Any, node: Any, table: Mapping[Any, Any]) -> bool:
    """Whether tracing a node is running it."""
    if node.op != "call_function":
        return node.op in ("placeholder", "output")
    if not isinstance(node.target, torch._ops.OpOverload):
        return getattr(node.target, "__module__", None) == "_operator"
    if node.target.namespace != "aten":
        return False
    # What PyTorch could take apart or leave whole, and the table does not name, stays whole.
    return node.target in table or not _may_stay_whole(node.target)


def _may_stay_whole(operation: Any) -> bool:
    """Whether an operation is made of others, and PyTorch lets one keep it nevertheless."""
    return importlib.import_module("torch._export.utils")._is_preservable_cia_op(operation)


def _has_changed(torch: Any, argument: object) -> bool:
    """Whether the memory or the shape of a functional tensor was written to."""
    if not isinstance(argument, torch.Tensor):
        return False
    inner: Any = getattr(argument, "elem", argument)
    return bool(
        torch._functionalize_has_data_mutation(inner)
        or torch._functionalize_has_metadata_mutation(inner)
    )


def _is_functional(torch: Any, traced: Any) -> bool:
    """Whether a trace only computes, and the constants that it came upon are small."""
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            value = getattr(traced, node.target)
            if type(value) is not torch.Tensor or value.numel() > INLINE_LIMIT:
                return False
        elif node.op == "call_function":
            # What orders effects is an operation on operations.
            if isinstance(node.target, torch._ops.HigherOrderOperator):
                return False
            schema = getattr(node.target, "_schema", None)
            if schema is not None and schema.is_mutable:
                return False
    return True
