# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Symbolic dimensions: what the user asks for, and what `torch.export` made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fairway.errors import InvalidArgument

__all__ = ["Dims", "symbol_names"]


@dataclass
class Dims:
    """Symbolic dimensions in the form that `torch.export` takes.

    Attributes:
        shapes: `dynamic_shapes`, or `None` when everything is fixed.
        axes: For each argument that is one tensor: its symbolic axes and their names.
    """

    shapes: Any = None
    axes: dict[str, dict[int, str]] = field(default_factory=dict[str, dict[int, str]])

    @staticmethod
    def of(
        torch: Any,
        dims: Any,
        names: Sequence[str],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Dims:
        """Reads the user's request.

        Raises:
            InvalidArgument: It names an argument or an axis that is not there.
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
        made: dict[str, Any] = {}
        shapes = {name: _convert(torch, request.get(name), made) for name in values}
        axes: dict[str, dict[int, str]] = {}
        for name, value in values.items():
            asked = shapes[name]
            if not isinstance(value, torch.Tensor) or not asked:
                continue
            pairs = (
                cast("Mapping[int, Any]", asked).items()
                if isinstance(asked, Mapping)
                else enumerate(asked)
            )
            axes[name] = {axis: _dim_name(dim) for axis, dim in pairs if _dim_name(dim)}
            if any(not 0 <= axis < value.ndim for axis in axes[name]):
                raise InvalidArgument(
                    f"dims names an axis of '{name}' beyond its rank {value.ndim}"
                )
        return Dims(shapes, axes)

    def widen(
        self, torch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Repeats example tensors whose symbolic sizes are 1.

        `torch.export` takes a size of 1 for a fixed one, so each such axis is doubled
        in every argument that shares its name.
        """
        if not self.axes:
            return args, kwargs
        names = list(self.shapes)
        values: dict[str, Any] = dict(zip(names, args, strict=False)) | kwargs
        narrow = {
            dim
            for name, axes in self.axes.items()
            for axis, dim in axes.items()
            if values[name].shape[axis] == 1
        }
        for name, axes in self.axes.items():
            for axis, dim in axes.items():
                if dim in narrow:
                    values[name] = torch.cat([values[name], values[name]], dim=axis)
        return tuple(values[name] for name in names[: len(args)]), {
            name: values[name] for name in kwargs
        }


def symbol_names(program: Any, dims: Dims) -> dict[str, str]:
    """Maps `torch.export`'s symbols such as `s0` to the user's names."""
    names: dict[str, str] = {}
    for node in program.graph.nodes:
        if node.op != "placeholder" or node.name not in dims.axes:
            continue
        for axis, name in dims.axes[node.name].items():
            size = node.meta["val"].shape[axis]
            if not isinstance(size, int) and str(size).isidentifier():
                names[str(size)] = name
    return names


def _convert(torch: Any, asked: Any, made: dict[str, Any]) -> Any:
    """Replaces names by `torch.export.Dim` objects, anywhere in the request."""
    if isinstance(asked, str):
        if asked not in made:
            made[asked] = torch.export.Dim(asked)
        return made[asked]
    if isinstance(asked, Mapping):
        items = cast("Mapping[Any, Any]", asked).items()
        return {key: _convert(torch, value, made) for key, value in items}
    if isinstance(asked, (list, tuple)):
        values = [_convert(torch, value, made) for value in cast("Sequence[Any]", asked)]
        return values if isinstance(asked, list) else tuple(values)
    return asked


def _dim_name(dim: Any) -> str:
    return getattr(dim, "__name__", "") if dim is not None and not isinstance(dim, int) else ""
