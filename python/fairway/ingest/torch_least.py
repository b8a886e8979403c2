# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether the graph of open sizes is right for sizes of 0 and 1.

PyTorch traces for open sizes of 2 and more. A model that asks
whether a size is 1 gets the answer no, and nothing tells of it afterwards. So the model is
traced again at these sizes, fixed. A graph that has the same operations with the same
arguments and results, sizes apart, is what the model does there: its own code took the same
way. Inside of an operation PyTorch may go other ways, which are the operation nevertheless.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from fairway.errors import Error, InvalidArgument
from fairway.ingest.torch_graph import source_line
from fairway.ingest.torch_sizes import Evaluator, OpenSize
from fairway.ingest.torch_specialise import sizes_in

__all__ = ["check_least"]

_FEWEST = 2
"""The smallest size that PyTorch traces for."""

_SAME_ELEMENTS = frozenset(
    f"aten.{name}"
    for name in ("alias", "contiguous", "flatten", "reshape", "squeeze", "unflatten", "unsqueeze")
    + ("view", "_unsafe_view")
)
"""What gives its operand's elements in their order."""

_SOME_ELEMENTS = frozenset(("aten.expand", "aten.slice"))
"""What gives its operand where that has the same shape."""


def check_least(
    torch: Any,
    program: Any,
    sizes: Sequence[OpenSize],
    trace: Callable[[Evaluator], Any],
) -> tuple[OpenSize, ...]:
    """Makes sure that a program is right for the smallest sizes of its ranges.

    Args:
        torch: The module.
        program: A `torch.export.ExportedProgram`.
        sizes: Its open sizes.
        trace: Gives the graph of the model, traced at certain sizes.

    Returns:
        The sizes, their ranges from 2 where that is needed and was not asked for otherwise.

    Raises:
        InvalidArgument: The model is another one at a size that was asked for.
    """
    found = list(sizes)
    for least in _corners(sizes):
        if any(at < found[index].minimum for index, at in least.items()):
            continue  # no size any more
        values = [least.get(index, max(size.hint, _FEWEST)) for index, size in enumerate(found)]
        evaluate = Evaluator(found, values)
        try:
            reason, where = _difference(torch, program.graph, trace(evaluate), evaluate)
        except Error as error:
            reason, where = error.message, error.where
        if reason is None:
            continue
        named = " and ".join(f"{at} of '{found[index].name}'" for index, at in least.items())
        if any(found[index].is_asked for index in least):
            raise InvalidArgument(
                f"the model is another one at a size of {named}: {reason}",
                where=where,
                hint="give a range that begins later, such as "
                + " or ".join(
                    f'fairway.Dim("{found[i].name}", {at + 1})' for i, at in least.items()
                ),
            )
        for index in least:
            found[index] = replace(found[index], minimum=_FEWEST)
    return tuple(found)


def _corners(sizes: Sequence[OpenSize]) -> Iterator[dict[int, int]]:
    """Lists which sizes to make how small: each alone, then all together."""
    small = {
        index: [at for at in range(_FEWEST) if at >= size.minimum]
        for index, size in enumerate(sizes)
        if size.minimum < _FEWEST
    }
    for index, ats in small.items():
        yield from ({index: at} for at in ats)
    if len(small) > 1:
        yield from (
            dict(zip(small, ats, strict=True)) for ats in itertools.product(*small.values())
        )


def _difference(
    torch: Any, general: Any, special: Any, evaluate: Evaluator
) -> tuple[str | None, str | None]:
    """Says in what a graph at certain sizes differs from the general one, and where."""
    numbers: dict[Any, int] = {}
    general_steps = _steps(torch, general, numbers, evaluate)
    special_steps = _steps(torch, special, numbers, evaluate)
    for ours, theirs in itertools.zip_longest(general_steps, special_steps):
        present = ours or theirs
        assert present is not None
        if ours is None or theirs is None:
            return f"'{present.node.target}' is done in one case only", source_line(present.node)
        if not _equal(ours.does, theirs.does):
            return f"'{theirs.node.target}' does not do the same", source_line(theirs.node)
    return None, None


@dataclass(frozen=True)
class _Step:
    """What an operation does, without symbols and without reference to its graph."""

    node: Any
    does: list[Any]


def _steps(torch: Any, graph: Any, numbers: dict[Any, int], evaluate: Evaluator) -> Iterator[_Step]:
    """Lists what a graph does with tensors, and numbers its nodes.

    Left out is what gives its operand as it is.
    """
    count = 0
    for node in graph.nodes:
        value = node.meta.get("val")
        values = value if isinstance(value, (tuple, list)) else (value,)
        has_tensors = any(isinstance(one, torch.Tensor) for one in values)
        if not has_tensors and node.op not in ("get_attr", "output"):
            continue
        name = str(node.target).rpartition(".")[0] or str(node.target)
        arguments: Any = [node.args, node.kwargs]
        sizes = sizes_in(torch, value, evaluate)
        if name in _SAME_ELEMENTS | _SOME_ELEMENTS:
            operand = node.args[0]
            if sizes_in(torch, operand.meta["val"], evaluate) == sizes:
                numbers[node] = numbers[operand]
                continue
        if name in _SAME_ELEMENTS:
            name, arguments = "reshape", node.args[0]
        elif name == "aten.slice":  # its end is in the shape
            operand, axis, start, _, step = (*node.args, *(0, None, None, 1)[len(node.args) - 1 :])
            arguments = [operand, axis, start or 0, step]
        numbers[node] = count
        count += 1
        yield _Step(node, [name, _plain(torch, arguments, numbers, evaluate), sizes])


def _plain(torch: Any, value: Any, numbers: dict[Any, int], evaluate: Evaluator) -> Any:
    """An argument without symbols and without reference to its graph."""
    if isinstance(value, torch.fx.Node):
        if value in numbers:
            return f"node {numbers[value]}"
        return evaluate(value.meta.get("val"))
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return [_plain(torch, item, numbers, evaluate) for item in items]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return [[key, _plain(torch, item, numbers, evaluate)] for key, item in pairs]
    if isinstance(value, slice):
        return _plain(torch, [value.start, value.stop, value.step], numbers, evaluate)
    return value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        ours, theirs = cast("list[Any]", one), cast("list[Any]", other)
        return len(ours) == len(theirs) and all(map(_equal, ours, theirs))
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
