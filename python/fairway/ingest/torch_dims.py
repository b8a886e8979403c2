# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dimensions of a PyTorch model that are to stay open, as the user asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fairway.dims import Dim
from fairway.errors import InvalidArgument

__all__ = ["Dims"]


@dataclass
class Dims:
    """Dimensions that are to stay open, in the form that `torch.export` takes.

    Attributes:
        shapes: `dynamic_shapes`: what was asked for by argument, or `None` if nothing was.
        names: For each leaf of the arguments, by axis: the name asked for.
        roots: The same for sizes that are computed from a dimension: its name.
        ranges: The ranges by name.
        asked: The names whose range was asked for, and does not only follow from the name.
    """

    shapes: dict[str, Any] | None = None
    names: list[dict[int, str]] = field(default_factory=list[dict[int, str]])
    roots: list[dict[int, str]] = field(default_factory=list[dict[int, str]])
    ranges: dict[str, Dim] = field(default_factory=dict[str, Dim])
    asked: frozenset[str] = frozenset()

    @staticmethod
    def of(
        torch: Any,
        dims: Any,
        names: Sequence[str],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Dims:
        """Reads the user's request.

        Args:
            torch: The module.
            dims: By argument, or one after the other: what stays open of it, in the
                structure of the argument, each tensor's by axis.
            names: The names of the positional arguments.
            args: Example positional arguments.
            kwargs: Example keyword arguments.

        Raises:
            InvalidArgument: It names an argument or an axis that is not there, or one
                dimension has two ranges.
        """
        if not dims:
            return Dims()
        given = [names[i] if i < len(names) else f"arg{i}" for i in range(len(args))]
        values = {**dict(zip(given, args, strict=True)), **kwargs}
        request: dict[str, Any] = dict(
            cast("Mapping[str, Any]", dims)
            if isinstance(dims, Mapping)
            else zip(values, dims, strict=False)
        )
        unknown = [name for name in request if name not in values]
        if unknown:
            raise InvalidArgument(
                f"dims names the input '{unknown[0]}', which is not among {list(values)}"
            )
        ranges: dict[str, Dim] = {}
        for dim in _ranges(request):
            if ranges.setdefault(dim.name, dim) != dim:
                raise InvalidArgument(
                    f"the dimension '{dim.name}' has two ranges: {ranges[dim.name].text()}, and "
                    f"{dim.text()}",
                    hint="give the range once, and the name elsewhere",
                )
        asked = frozenset(ranges)
        made: dict[str, Any] = {}
        shapes = {name: _convert(torch, request.get(name), ranges, made) for name in values}
        named, roots = _names(torch, values, shapes)
        return Dims(shapes, named, roots, ranges, asked)

    def hints(self, torch: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, int]:
        """Gives the size that each name has in the examples, at its first place there.

        Raises:
            InvalidArgument: It is outside of the range.
        """
        leaves = torch.utils._pytree.tree_leaves((tuple(args), dict(kwargs)))
        found: dict[str, int] = {}
        for leaf, axes in zip(leaves, self.names, strict=False):
            for axis, name in axes.items():
                found.setdefault(name, int(leaf.shape[axis]))
        for name, size in found.items():
            dim = self.ranges[name]
            if size < dim.min or (dim.max is not None and size > dim.max):
                raise InvalidArgument(
                    f"the dimension '{name}' is to be {dim.text()}, but is {size} in the examples",
                    hint="give examples of a size in the range",
                )
        return found

    def widen(
        self, torch: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Replaces example tensors that have open sizes below 2 by larger ones.

        `torch.export` takes what a model does at a size of 0 or 1 for what it does at
        that size only.
        """
        leaves, structure = torch.utils._pytree.tree_flatten((tuple(args), dict(kwargs)))
        for index, axes in enumerate(self.names):
            shape = list(leaves[index].shape) if axes else []
            if any(shape[axis] < 2 for axis in axes):
                wider = [max(size, 2) if axis in axes else size for axis, size in enumerate(shape)]
                leaves[index] = leaves[index].new_zeros(wider)
        return torch.utils._pytree.tree_unflatten(leaves, structure)


def _ranges(asked: Any) -> Iterator[Dim]:
    """Finds Fairway's own dimensions in a request."""
    if isinstance(asked, Dim):
        yield asked
    elif isinstance(asked, Mapping):
        for below in cast("Mapping[Any, Any]", asked).values():
            yield from _ranges(below)
    elif isinstance(asked, (list, tuple)):
        for below in cast("Sequence[Any]", asked):
            yield from _ranges(below)


def _convert(torch: Any, asked: Any, ranges: dict[str, Dim], made: dict[str, Any]) -> Any:
    """Replaces names and Fairway's dimensions by PyTorch's, anywhere in a request.

    PyTorch's begin at 2 or later: it cannot tell what is right for smaller sizes, and with
    them in the range asks for what no model fulfils.
    """
    if isinstance(asked, torch.export.Dim):
        root = getattr(asked, "root", None)
        if root is not None:
            return type(asked)(asked.__name__, _convert(torch, root, ranges, made), asked.fn)
        high = int(asked.max) if isinstance(asked.max, int) else None
        ranges.setdefault(asked.__name__, Dim(asked.__name__, max(1, int(asked.min)), high))
        asked = asked.__name__
    if isinstance(asked, (str, Dim)):
        name = asked if isinstance(asked, str) else asked.name
        if not name.isidentifier():
            raise InvalidArgument(
                f"'{name}' is no name for a dimension",
                hint="names are made of letters, digits and underscores",
            )
        dim = ranges.setdefault(name, Dim(name))
        if name not in made:
            made[name] = torch.export.Dim(name, min=max(2, dim.min), max=dim.max)
        return made[name]
    if isinstance(asked, Mapping):
        items = cast("Mapping[Any, Any]", asked).items()
        return {key: _convert(torch, value, ranges, made) for key, value in items}
    if isinstance(asked, (list, tuple)):
        values = [_convert(torch, value, ranges, made) for value in cast("Sequence[Any]", asked)]
        return values if isinstance(asked, list) else tuple(values)
    return asked


def _names(
    torch: Any, values: Mapping[str, Any], shapes: Any
) -> tuple[list[dict[int, str]], list[dict[int, str]]]:
    """Gives `Dims.names` and `Dims.roots`."""
    names: list[dict[int, str]] = []
    roots: list[dict[int, str]] = []
    leaves, _ = torch.utils._pytree.tree_flatten_with_path(dict(values))
    for path, leaf in leaves:
        asked = _at(shapes, path)
        dims: dict[int, Any] = {}
        if isinstance(leaf, torch.Tensor) and isinstance(asked, (Mapping, list, tuple)):
            pairs = asked.items() if isinstance(asked, Mapping) else enumerate(asked)
            dims = {axis: dim for axis, dim in pairs if isinstance(dim, torch.export.Dim)}
        if any(not 0 <= axis < leaf.ndim for axis in dims):
            name = torch.utils._pytree.keystr(path[1:])
            raise InvalidArgument(
                f"dims names an axis of '{path[0].key}{name}' beyond its rank {leaf.ndim}"
            )
        computed = {axis: dim.root for axis, dim in dims.items() if hasattr(dim, "root")}
        roots.append({axis: root.__name__ for axis, root in computed.items()})
        names.append({axis: dim.__name__ for axis, dim in dims.items() if axis not in computed})
    return names, roots


def _at(asked: Any, path: Sequence[Any]) -> Any:
    """What was asked for at a place of the arguments; `None` for nothing."""
    for key in path:
        try:
            asked = key.get(asked)
        except (LookupError, AttributeError, TypeError):
            return None
    return asked
