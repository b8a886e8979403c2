# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch's models as rows of operations."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fairway.ingest.torch_export import export, import_torch
from fairway.ingest.torch_graph import source_line
from fairway.tensors import as_array, leaves
from fairway.verification.graph import Operation, Part
from fairway.verification.torch_double import widen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TorchRow"]


class TorchRow:
    """The operations of an exported program.

    Args:
        model: An `nn.Module` or an `ExportedProgram`.
        args: Its arguments by position.
        kwargs: Its arguments by name.
    """

    framework = "PyTorch"

    def __init__(self, model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._torch = torch = import_torch()
        self._args = (tuple(args), dict(kwargs))
        is_program = isinstance(model, torch.export.ExportedProgram)
        program = model if is_program else export(model, args, kwargs, None)
        self._inputs = torch.fx._pytree.tree_flatten_spec(
            (tuple(args), dict(kwargs)), program.call_spec.in_spec
        )
        self._module = program.module()
        self._nodes = [node for node in self._module.graph.nodes if _computes(node)]
        self.operations = [Operation(str(n.target), source_line(n)) for n in self._nodes]

    def results(self) -> list[list[NDArray[Any]]]:
        """The outputs of the whole model."""
        return self._run(self._module, *self._args)

    def part(self, count: int) -> Part:
        """The first `count` operations."""
        module = self._cut(count)
        inputs = tuple(self._inputs)
        return Part(module, inputs, {}, self._run(module, inputs, {}))

    def _cut(self, count: int) -> Any:
        """A module of some operations, which takes and returns tensors in one row."""
        torch = self._torch
        taken = set(self._nodes[:count])
        graph = torch.fx.Graph()
        copies: dict[Any, Any] = {}
        for node in self._module.graph.nodes:
            if node in taken or node.op in ("placeholder", "get_attr"):
                copies[node] = graph.node_copy(node, copies.__getitem__)
        live = [node for node in self._nodes[:count] if not set(node.users) <= taken]
        tensors = [node for node in live if isinstance(node.meta.get("val"), torch.Tensor)]
        graph.output(tuple(copies[node] for node in tensors))
        graph.eliminate_dead_code()
        return torch.fx.GraphModule(self._module, graph)

    def _run(
        self, module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> list[list[NDArray[Any]]]:
        """Runs a graph as it is and in float64, on copies, which it may change."""
        torch = self._torch

        def run(graph: Any, convert: Callable[[Any], Any]) -> list[NDArray[Any]]:
            given = pytree.tree_map_only(torch.Tensor, convert, (args, dict(kwargs)))
            with torch.no_grad():
                return [as_array(tensor) for tensor in leaves(graph.forward(*given[0], **given[1]))]

        pytree = torch.utils._pytree
        results = [run(module, lambda t: t.clone())]
        wide = copy.deepcopy(module)
        widen(torch, wide)
        # Some operation may have no float64, or mix it with what stays narrow.
        with contextlib.suppress(RuntimeError, TypeError, ValueError):
            results.append(run(wide, lambda t: t.double() if t.is_floating_point() else t.clone()))
        return results


def _computes(node: Any) -> bool:
    """Whether a node is an operation; those that only check something are none."""
    if node.op not in ("call_function", "call_module") or "_guards_fn" in str(node.target):
        return False
    return bool(node.users) or node.is_impure()
