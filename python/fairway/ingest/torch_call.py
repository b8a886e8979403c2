# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How an exported program is called: the structure of its arguments and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairway.program import InputOutputTree
from fairway.tree import Tree

__all__ = ["Call", "call_of"]


@dataclass(frozen=True)
class Call:
    """The call of a program.

    Attributes:
        tree: The structure of arguments and result.
        inputs: For each tensor among the arguments, in the order of the tree's leaves: its
            path and its number among the leaves that PyTorch knows.
        outputs: The same for the result.
    """

    tree: InputOutputTree
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]

    def address(self) -> list[object]:
        """All of it as plain values."""
        return [self.tree.to_json(), self.inputs, self.outputs]


class _Leaf:
    """Stands for one tensor while a structure is rebuilt around it."""

    def __init__(self, index: int) -> None:
        self.index = index


def call_of(torch: Any, program: Any, names: tuple[str, ...]) -> Call:
    """Reads the call of a `torch.export.ExportedProgram`, decomposed or not.

    Args:
        torch: The module.
        program: The program.
        names: The names of the positional arguments.

    Raises:
        InvalidModel: It takes or returns containers that Fairway cannot take apart.
    """
    unflatten = torch.utils._pytree.tree_unflatten
    signature = program.graph_signature
    taken = [spec.arg for spec in signature.input_specs if spec.kind.name == "USER_INPUT"]
    args, kwargs = unflatten(_leaves(taken), program.call_spec.in_spec)
    given = [spec.arg for spec in signature.output_specs if spec.kind.name == "USER_OUTPUT"]
    result = unflatten(_leaves(given), program.call_spec.out_spec)

    tree_args = Tree.of(tuple(args), _is_leaf, "args")
    tree_kwargs = Tree.of(dict(kwargs), _is_leaf, "kwargs")
    tree_outputs = Tree.of(result, _is_leaf, "the model's result")
    paths = [
        path
        for index, item in enumerate(tree_args.items)
        for path in item.paths(names[index] if index < len(names) else f"arg{index}")
    ] + tree_kwargs.paths()
    flat = tree_args.flatten(tuple(args)) + tree_kwargs.flatten(dict(kwargs))
    prefix = "output" if tree_outputs.kind in ("tensor", "list", "tuple") else ""
    return Call(
        InputOutputTree(tree_args, tree_kwargs, tree_outputs, names),
        _numbered(paths, flat),
        _numbered(tree_outputs.paths(prefix), tree_outputs.flatten(result)),
    )


def _leaves(arguments: Sequence[Any]) -> list[Any]:
    return [
        _Leaf(index) if type(arg).__name__ == "TensorArgument" else getattr(arg, "value", None)
        for index, arg in enumerate(arguments)
    ]


def _numbered(paths: Sequence[str], leaves: Sequence[Any]) -> tuple[tuple[str, int], ...]:
    return tuple((path, leaf.index) for path, leaf in zip(paths, leaves, strict=True))


def _is_leaf(obj: Any) -> bool:
    return isinstance(obj, _Leaf)
