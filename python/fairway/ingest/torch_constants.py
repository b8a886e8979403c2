# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a graph computes of constants alone, computed by PyTorch while it is read.

torch-mlir folds such operations itself, and gets some wrong: a comparison of a constant tensor
with a number, or its sum with a negative whole number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairway.ingest.torch_graph import INLINE_LIMIT

__all__ = ["fold_constants"]

_SAME_ELEMENTS = frozenset(
    f"aten.{name}"
    for name in (
        "alias.default",
        "clone.default",
        "expand.default",
        "permute.default",
        "reshape.default",
        "select.int",
        "slice.Tensor",
        "squeeze.default",
        "squeeze.dim",
        "squeeze.dims",
        "transpose.int",
        "unsqueeze.default",
        "view.default",
    )
)
_FILLED = {"ones": 1, "ones_like": 1, "zeros": 0, "zeros_like": 0, "new_ones": 1, "new_zeros": 0}
_FILLED_BY = {"full": 1, "full_like": 1, "new_full": 2, "scalar_tensor": 0}


@dataclass(frozen=True)
class _Known:
    """A constant: all its elements, or the one that they all are, in a tensor of the same rank."""

    tensor: Any
    shape: tuple[int, ...]

    def whole(self) -> Any:
        return self.tensor.expand(self.shape)

    @property
    def is_uniform(self) -> bool:
        return self.tensor.numel() == 1


def fold_constants(torch: Any, program: Any) -> None:
    """Replaces operations on single elements of constants, as far as the result is short.

    That is, where all elements are one, or there are at most `INLINE_LIMIT`.
    """
    graph = program.graph
    known: dict[Any, _Known] = {}
    for node in graph.nodes:
        found = _evaluate(torch, program, node, known)
        if found is None:
            continue
        known[node] = found
        if node.op != "call_function" or not node.all_input_nodes:
            continue
        with graph.inserting_before(node):
            if found.is_uniform:
                made = graph.call_function(
                    torch.ops.aten.full.default,
                    (list(found.shape), found.tensor.item()),
                    {"dtype": found.tensor.dtype},
                )
            else:
                name = f"_fairway_constant_{node.name}"
                value = found.tensor.contiguous()
                program.graph_module.register_buffer(name, value, persistent=False)
                made = graph.get_attr(name)
        made.meta.update(node.meta)
        node.replace_all_uses_with(made)
        known[made] = found
    graph.eliminate_dead_code()


def _evaluate(torch: Any, program: Any, node: Any, known: dict[Any, _Known]) -> _Known | None:
    """The constant that a node is; None if it is none, or too long."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.dtype.is_complex:
        return None
    shape = tuple(value.shape)
    if not all(isinstance(size, int) and size for size in shape):
        return None
    if node.op == "get_attr":
        tensor: Any = getattr(program.graph_module, node.target, None)
        if type(tensor) is not torch.Tensor or tensor.numel() > INLINE_LIMIT:
            return None
        return _Known(tensor, shape)
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return None
    number = _number(node)
    if number is not None:
        return _Known(torch.full([1] * len(shape), number, dtype=value.dtype), shape)
    given = {operand: known[operand] for operand in node.all_input_nodes if operand in known}
    if not given or len(given) < len(node.all_input_nodes):
        return None
    uniform = all(operand.is_uniform for operand in given.values())
    if str(node.target) in _SAME_ELEMENTS:
        (only,) = given.values()
        return _Known(only.tensor.reshape([1] * len(shape)), shape) if uniform else None
    elementwise = torch.Tag.pointwise in node.target.tags or str(node.target) == (
        "aten._to_copy.default"
    )
    if not elementwise or torch.Tag.nondeterministic_seeded in node.target.tags:
        return None
    if not uniform and value.numel() > INLINE_LIMIT:
        return None

    def concrete(operand: Any) -> Any:
        return given[operand].tensor if uniform else given[operand].whole()

    args = torch.fx.node.map_arg(node.args, concrete)
    kwargs = torch.fx.node.map_arg(node.kwargs, concrete)
    with torch.no_grad():
        result = node.target(*args, **kwargs)
    return _Known(result.reshape([1] * len(shape)) if uniform else result, shape)


def _number(node: Any) -> Any:
    """The number that a node fills a tensor with, if that is what it does."""
    space, _, name = str(node.target).rpartition(".")[0].partition(".")
    if space != "aten":
        return None
    if name in _FILLED:
        return _FILLED[name]
    if name not in _FILLED_BY or len(node.args) <= _FILLED_BY[name]:
        return None
    number = node.args[_FILLED_BY[name]]
    return number if isinstance(number, (bool, int, float)) else None
