# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The sizes that stay open in an exported program, and whether its graph is right for all."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fairway.dims import Dim
from fairway.errors import InvalidArgument, UnsupportedOp
from fairway.ingest.torch_dims import Dims
from fairway.ingest.torch_graph import source_line

__all__ = [
    "Evaluator",
    "OpenSize",
    "check_formulas",
    "check_guards",
    "formula",
    "open_sizes",
    "resized",
    "shape_environment",
]


@dataclass(frozen=True)
class OpenSize:
    """A symbol of an exported program.

    Attributes:
        symbol: It (`sympy.Symbol`).
        name: What the user calls it.
        minimum: The smallest size.
        maximum: The largest; `None` where there is no limit.
        hint: Its size in the examples.
        is_asked: Whether the user asked for exactly this range.
    """

    symbol: Any
    name: str
    minimum: int
    maximum: int | None
    hint: int
    is_asked: bool

    @property
    def dim(self) -> Dim:
        """Name and range."""
        return Dim(self.name, self.minimum, self.maximum)


def shape_environment(torch: Any, program: Any) -> Any:
    """Gives what PyTorch knows of a program's symbols; `None` if it has none."""
    for node in program.graph.nodes:
        for size in getattr(node.meta.get("val"), "shape", ()):
            if isinstance(size, torch.SymInt):
                return size.node.shape_env
    return None


def open_sizes(
    torch: Any, program: Any, wanted: Dims, hints: Mapping[str, int]
) -> tuple[OpenSize, ...]:
    """Lists the symbols in an exported program's inputs, in the order of appearance.

    Args:
        torch: The module.
        program: A `torch.export.ExportedProgram`.
        wanted: What the user asked for.
        hints: Sizes by name.

    Raises:
        InvalidArgument: Two symbols go by one name.
    """
    found: dict[Any, OpenSize] = {}
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    for leaf, name in enumerate(program.graph_signature.user_inputs):
        node = placeholders.get(name) if isinstance(name, str) else None
        shape = getattr(node.meta.get("val"), "shape", ()) if node is not None else ()
        asked = wanted.roots[leaf] | wanted.names[leaf] if leaf < len(wanted.names) else {}
        for axis, size in enumerate(shape):
            expression = size.node.expr if isinstance(size, torch.SymInt) else None
            for symbol in sorted(getattr(expression, "free_symbols", ()), key=str):
                if symbol in found:
                    continue
                made_up = f"{name}_{axis}" if symbol == expression else str(symbol)
                called = asked.get(axis, made_up)
                bounds = program.range_constraints[symbol]
                high = int(bounds.upper) if bounds.upper.is_Integer else None
                # PyTorch has 0 where no one has said what the smallest size is.
                known = wanted.ranges.get(called) or Dim(called, max(1, int(bounds.lower)), high)
                hint = hints.get(called) or size.node.hint or 1
                found[symbol] = OpenSize(
                    symbol,
                    called,
                    known.min,
                    known.max,
                    max(1, known.min, hint if known.max is None else min(hint, known.max)),
                    called in wanted.asked,
                )
    names = [size.name for size in found.values()]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidArgument(
            f"several dimensions that can differ are called '{twice[0]}'",
            hint="give them different names",
        )
    return tuple(found.values())


def check_guards(environment: Any, sizes: Sequence[OpenSize]) -> None:
    """Makes sure that what PyTorch decided while it traced and decomposed holds for all sizes.

    PyTorch compares its decisions with the ranges itself, but only while it traces. It takes
    every open size for 2 or more, and keeps no record of what follows from that.

    Raises:
        InvalidArgument: A decision does not hold for a range, or fixes a size.
    """
    for size in sizes:
        fixed = environment.replace(size.symbol)
        if fixed.is_Integer:
            raise InvalidArgument(
                f"the dimension '{size.name}' cannot stay open: the model's operations are "
                f"made for its size {fixed} alone",
                hint=f"leave '{size.name}' fixed",
            )
    ranges = _ranges([replace(size, minimum=max(2, size.minimum)) for size in sizes])
    for guard in environment.guards:
        condition = environment.replace(guard.expr)
        if condition.free_symbols <= ranges.keys() and not _holds(condition, ranges):
            taking_part = [size for size in sizes if size.symbol in condition.free_symbols]
            asked = ", ".join(f"'{size.name}' of {size.dim.text()}" for size in taking_part)
            raise InvalidArgument(
                f"the model is the same only for sizes that fulfil {_text(condition, sizes)}; "
                f"asked for is {asked}",
                hint="give ranges in which this holds, as fairway.Dim",
            )


def check_formulas(torch: Any, graph: Any, sizes: Sequence[OpenSize]) -> None:
    """Makes sure that one formula gives each size and number of a graph in the whole range.

    The compiler finds formulas by samples. One that has cases, such as the smaller of two
    sizes, could look like another one there.

    Args:
        torch: The module.
        graph: A `torch.fx.Graph`, decomposed.
        sizes: The open sizes.

    Raises:
        InvalidArgument: The range has sizes for which another case counts.
        UnsupportedOp: A formula rounds.
    """
    for node in graph.nodes:
        value = node.meta.get("val")
        for one in value if isinstance(value, (tuple, list)) else (value,):
            for size in getattr(one, "shape", (one,)):
                if isinstance(size, (torch.SymInt, torch.SymFloat)) and node.users:
                    _check_formula(size.node.expr, sizes, node)


def formula(size: Any, sizes: Sequence[OpenSize]) -> int | str:
    """Writes a size in the user's names: `2*batch`."""
    if isinstance(size, int):
        return size
    expression = _settled(size.node.expr, _ranges(sizes))
    if expression.is_Integer:
        return int(expression)
    return _text(expression, sizes)


class Evaluator:
    """Gives what formulas are where the open sizes have certain values.

    Args:
        sizes: The open sizes.
        values: Their values.
    """

    def __init__(self, sizes: Sequence[OpenSize], values: Sequence[int]) -> None:
        symbols = [size.symbol for size in sizes]
        self._values = _integers(dict(zip(symbols, values, strict=True)))
        self._ranges = _ranges(sizes)
        self._known: dict[Any, Any] = {}

    def __call__(self, size: Any) -> Any:
        """The value of a number or of PyTorch's symbol for one."""
        if not hasattr(size, "node"):
            return size
        expression = size.node.expr
        if expression not in self._known:
            settled = _settled(expression, self._ranges)
            value = settled.xreplace(self._values)
            self._known[expression] = int(value) if value.is_Integer else float(value)
        return self._known[expression]


def resized(
    torch: Any, program: Any, args: Sequence[Any], kwargs: Mapping[str, Any], evaluate: Evaluator
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Makes examples for certain sizes of a program from the ones that it was traced with."""
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    leaves, structure = torch.utils._pytree.tree_flatten((tuple(args), dict(kwargs)))
    for index, name in enumerate(program.graph_signature.user_inputs):
        if isinstance(leaves[index], torch.Tensor):
            shape = [evaluate(size) for size in placeholders[name].meta["val"].shape]
            if shape != list(leaves[index].shape):
                leaves[index] = leaves[index].new_zeros(shape)
    return torch.utils._pytree.tree_unflatten(leaves, structure)


def _check_formula(expression: Any, sizes: Sequence[OpenSize], node: Any) -> None:
    settled = _settled(expression, _ranges(sizes))
    text = functools.partial(_text, sizes=sizes)
    sympy = _sympy()
    cases = [part for part in sympy.preorder_traversal(settled) if _name(part) in ("Min", "Max")]
    where = source_line(node)
    is_operation = hasattr(node.target, "namespace")
    operation = str(node.target) if is_operation else getattr(node.target, "__name__", node.name)
    if cases:
        smaller, larger = _ordered(cases[0], {size.symbol: size.hint for size in sizes})
        raise InvalidArgument(
            f"a size or number that '{operation}' gives is {text(settled)}, for which there is "
            f"no single formula; it needs {text(smaller)} <= {text(larger)}",
            where=where,
            hint=f"give {_fitting(smaller, larger, sizes) or 'ranges in which this holds'}",
        )
    if any(_name(part) not in _SMOOTH for part in sympy.preorder_traversal(settled)):
        raise UnsupportedOp(
            f"a size or number that '{operation}' gives is {text(settled)}, which is no "
            "polynomial of the open sizes",
            where=where,
            hint=f"fix {', '.join(text(s) for s in sorted(settled.free_symbols, key=str))}",
        )


_SMOOTH = frozenset(
    ("Add", "Mul", "Pow", "PowByNatural", "FloatPow", "IntTrueDiv", "FloatTrueDiv", "ToFloat")
    + ("Symbol", "number", "OpaqueUnaryFn_sqrt", "OpaqueUnaryFn_log", "OpaqueUnaryFn_exp")
)
"""What has a single formula: where the samples agree on a number, all sizes do."""


def _text(expression: Any, sizes: Sequence[OpenSize]) -> str:
    """Writes a formula or a condition with the users' names."""
    symbol = _sympy().Symbol
    named = {size.symbol: symbol(size.name, integer=True, positive=True) for size in sizes}
    return str(expression.xreplace(named))


def _name(expression: Any) -> str:
    return "number" if expression.is_number else type(expression).__name__


def _settled(expression: Any, ranges: Mapping[Any, Any]) -> Any:
    """Writes the smaller and the larger of two as that one that it is in the whole range."""

    def settle(part: Any) -> Any:
        is_min = _name(part) == "Min"
        for one in part.args:
            others = [other for other in part.args if other is not one]
            differences = (one - other if is_min else other - one for other in others)
            if all(_bounds(difference, ranges).upper <= 0 for difference in differences):
                return one
        return part

    return expression.replace(lambda part: _name(part) in ("Min", "Max"), settle)


def _ordered(case: Any, hints: Mapping[Any, int]) -> tuple[Any, Any]:
    """The first two operands of a smaller or larger one, in the order of the examples."""
    one, other = case.args[:2]
    integers = _integers(hints)
    return (one, other) if one.xreplace(integers) <= other.xreplace(integers) else (other, one)


def _fitting(smaller: Any, larger: Any, sizes: Sequence[OpenSize]) -> str | None:
    """Writes the range in which one size is no larger than another, where that is simple."""
    for size in sizes:
        dim = None
        if larger == size.symbol and smaller.is_Integer:
            dim = Dim(size.name, int(smaller), size.maximum)
        elif smaller == size.symbol and larger.is_Integer:
            dim = Dim(size.name, size.minimum, int(larger))
        if dim is not None:
            end = "" if dim.max is None else f", {dim.max}"
            return f'fairway.Dim("{dim.name}", {dim.min}{end})'
    return None


def _holds(condition: Any, ranges: Mapping[Any, Any]) -> bool:
    """Whether a condition is certain in ranges."""
    sympy = _sympy()
    if not isinstance(condition, sympy.core.relational.Relational):
        found = _value_ranges().bound_sympy(condition, ranges)
        return bool(found.is_singleton() and found.lower)
    bounds = _bounds(condition.lhs - condition.rhs, ranges)
    low, high = bounds.lower, bounds.upper
    return {
        "==": low == 0 == high,
        "!=": bool(low > 0 or high < 0),
        "<": bool(high < 0),
        "<=": bool(high <= 0),
        ">": bool(low > 0),
        ">=": bool(low >= 0),
    }[condition.rel_op]


def _ranges(sizes: Sequence[OpenSize]) -> dict[Any, Any]:
    """The ranges by symbol, as PyTorch has them."""
    endless = importlib.import_module("torch.utils._sympy.numbers").int_oo
    of = _value_ranges().ValueRanges
    return {
        size.symbol: of(size.minimum, endless if size.maximum is None else size.maximum)
        for size in sizes
    }


def _bounds(expression: Any, ranges: Mapping[Any, Any]) -> Any:
    return _value_ranges().bound_sympy(_sympy().expand(expression), ranges)


def _integers(numbers: Mapping[Any, int]) -> dict[Any, Any]:
    return {symbol: _sympy().Integer(number) for symbol, number in numbers.items()}


def _sympy() -> Any:
    return importlib.import_module("sympy")


def _value_ranges() -> Any:
    return importlib.import_module("torch.utils._sympy.value_ranges")
