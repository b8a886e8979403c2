# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the node of an ONNX graph that crashes the lowering worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairway.errors import Error, InvalidModel, UnsupportedOp

__all__ = ["explain_crash"]


def explain_crash(proto: Any, lower: Callable[[Any], object], crash: InvalidModel) -> Error:
    """Names the first node whose graph up to it crashes the worker.

    The graph is halved again and again, so that a graph of 1,000 nodes takes ten tries.

    Args:
        proto: The model that crashed it.
        lower: Lowers a model; raises `InvalidModel` when the worker crashes.
        crash: The error to return when no single node can be blamed.
    """
    nodes = list(proto.graph.node)
    good, bad = 0, len(nodes)
    while bad - good > 1:
        middle = (good + bad) // 2
        if _crashes(_prefix(proto, middle), lower):
            bad = middle
        else:
            good = middle
    if not nodes or not _crashes(_prefix(proto, bad), lower):
        return crash
    node = nodes[bad - 1]
    return UnsupportedOp(
        f"the ONNX operation 'onnx.{node.op_type}' is not supported here: {crash.message}",
        where=node.name,
        hint="replace it by operations that are, or cut the model before it",
        operations=(f"onnx.{node.op_type}",),
    )


def _crashes(proto: Any, lower: Callable[[Any], object]) -> bool:
    try:
        lower(proto)
    except InvalidModel:
        return True
    except Error:
        return False  # An honest refusal.
    return False


def _prefix(proto: Any, count: int) -> Any:
    """Gives the model of the first nodes; what they leave unused becomes its output."""
    part = type(proto)()
    part.CopyFrom(proto)
    del part.graph.node[count:]
    taken = {name for node in part.graph.node for name in node.input}
    types = {value.name: value for value in (*proto.graph.value_info, *proto.graph.output)}
    made = [name for node in part.graph.node for name in node.output]
    del part.graph.output[:]
    part.graph.output.extend(types[name] for name in made if name in types and name not in taken)
    return part
