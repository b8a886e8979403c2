# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models as rows of operations."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from fairway.errors import InvalidArgument
from fairway.ingest.onnx_read import import_onnx, infer_shapes, read, upgrade
from fairway.tensors import as_array
from fairway.verification.graph import Operation, Part
from fairway.verification.onnx_double import widen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OnnxRow"]


class OnnxRow:
    """The nodes of an ONNX graph, which are in order.

    ONNX Runtime computes the results, where it is installed; otherwise ONNX's own evaluator.

    Args:
        model: A path, bytes or `ModelProto`.
        args: Its inputs by position.
        kwargs: Its inputs by name.
    """

    def __init__(self, model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._onnx = onnx = import_onnx()
        source = read(model)
        if source.folder is not None:
            onnx.load_external_data_for_model(source.proto, str(source.folder))
        self._proto = infer_shapes(upgrade(source.proto, source.label), source.label)
        graph = self._proto.graph
        weights = {tensor.name for tensor in graph.initializer}
        names = [value.name for value in graph.input if value.name not in weights]
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        if missing := [name for name in names if name not in given]:
            raise InvalidArgument(
                f"verifying needs a value for the input '{missing[0]}'",
                hint="pass the model's inputs as args or kwargs",
            )
        self._feeds = {name: as_array(given[name]) for name in names}
        self.operations = [
            Operation(f"{node.op_type}", node.name or f"node {number}")
            for number, node in enumerate(graph.node)
        ]
        self._run, self.framework = _runner()

    def results(self) -> list[Sequence[NDArray[Any]]]:
        """The outputs of the whole model."""
        return self._compute(self._proto)

    def part(self, count: int) -> Part:
        """The first `count` nodes."""
        proto = self._cut(count)
        return Part(proto, (), self._feeds, self._compute(proto))

    def _compute(self, proto: Any) -> list[Sequence[NDArray[Any]]]:
        """The outputs as the model says, and in float64."""
        results = [self._run(proto, self._feeds)]
        wide = type(proto)()
        wide.CopyFrom(proto)
        feeds = {
            name: array.astype("float64") if array.dtype == "float32" else array
            for name, array in self._feeds.items()
        }
        with contextlib.suppress(Exception):  # some node has no float64
            results.append(self._run(widen(wide), feeds))
        return results

    def _cut(self, count: int) -> Any:
        onnx, whole = self._onnx, self._proto
        graph = whole.graph
        if count == len(graph.node):
            return whole
        nodes = list(graph.node[:count])
        made = [name for node in nodes for name in node.output if name]
        later = {value.name for value in graph.output}
        for node in graph.node[count:]:
            later |= _taken(node)
        known = {value.name: value for value in (*graph.value_info, *graph.output)}
        used = set().union(*(_taken(node) for node in nodes))
        part = onnx.ModelProto()
        part.CopyFrom(whole)
        del part.graph.node[count:], part.graph.output[:], part.graph.initializer[:]
        part.graph.initializer.extend(t for t in graph.initializer if t.name in used)
        part.graph.output.extend(
            known.get(name, onnx.ValueInfoProto(name=name)) for name in made if name in later
        )
        return part


def _taken(node: Any) -> set[str]:
    """The names that a node and its subgraphs take."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
            names |= {value.name for value in graph.output}
            for inner in graph.node:
                names |= _taken(inner)
    return names


def _runner() -> tuple[Any, str]:
    """What computes a model's outputs, and what it is called."""
    try:
        import onnxruntime
    except ImportError:
        return _evaluate, "ONNX's evaluator"

    def run(proto: Any, feeds: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(
                proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # an operator set or a dtype that it does not have
            return _evaluate(proto, feeds)
        return cast("Sequence[NDArray[Any]]", session.run(None, dict(feeds)))

    return run, "ONNX Runtime"


def _evaluate(proto: Any, feeds: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
    from onnx.reference import ReferenceEvaluator

    evaluator: Any = ReferenceEvaluator(proto)
    return list(evaluator.run(None, dict(feeds)))
