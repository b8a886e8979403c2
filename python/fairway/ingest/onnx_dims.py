# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fixes symbolic dimensions of an ONNX graph, or keeps them open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fairway.dims import Dim
from fairway.errors import InvalidArgument

__all__ = ["OpenDim", "bind", "name_unknown", "shape_of"]

_FIRST, _OTHER = 1, 128
"""Sizes to make fast where no example says one: of an input's first dimension, of others."""


def shape_of(value: Any) -> tuple[int | str, ...]:
    """Gives a value's shape; unknown sizes are an empty string."""
    dims = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") else d.dim_param for d in dims)


def name_unknown(inputs: Iterable[Any]) -> None:
    """Gives every unnamed unknown size of the inputs a name, such as `x_0`."""
    for value in inputs:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value < 0:
                dim.ClearField("dim_value")
            if not dim.HasField("dim_value") and not dim.dim_param:
                dim.dim_param = f"{value.name}_{axis}"


@dataclass(frozen=True)
class OpenDim:
    """A dimension that stays open.

    Attributes:
        dim: Name and range.
        hint: A size to make fast.
    """

    dim: Dim
    hint: int


def bind(
    inputs: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any], dims: Any
) -> tuple[dict[str, int], tuple[OpenDim, ...]]:
    """Decides which symbolic dimensions become fixed, and to what, and which stay open.

    Dimensions that get another name are renamed in the inputs.

    Args:
        inputs: The graph's inputs (`ValueInfoProto`) that are not weights.
        args: Example inputs by position.
        kwargs: Example inputs by name.
        dims: By dimension name (`{"batch": 4}`), or by input and axis
            (`{"x": {0: "batch"}}`): sizes, which fix them, or names and `fairway.Dim`s,
            which keep them open.

    Returns:
        The sizes of the fixed ones by name, and the others, in order of appearance.

    Raises:
        InvalidArgument: `dims` or the examples do not fit the graph or each other.
    """
    examples = _examples([value.name for value in inputs], args, kwargs)
    requests = _requested(inputs, dims)
    sizes = {name: asked for name, asked in requests.items() if isinstance(asked, int)}
    ranges = {name: asked for name, asked in requests.items() if isinstance(asked, Dim)}
    hints: dict[str, int] = {}
    for value in inputs:
        example = examples.get(value.name)
        if example is None:
            continue
        shape, given = shape_of(value), tuple(int(size) for size in example.shape)
        has_shape = value.type.tensor_type.HasField("shape")
        if has_shape and len(shape) != len(given):
            raise InvalidArgument(
                f"the input '{value.name}' has {len(shape)} dimensions, its example {len(given)}"
            )
        for axis, (want, have) in enumerate(zip(shape, given, strict=False)):
            if isinstance(want, str):
                if want in ranges:
                    hints.setdefault(want, have)
                    continue
                want = sizes.setdefault(want, have)
            if want != have:
                raise InvalidArgument(
                    f"the example for '{value.name}' has size {have} on axis {axis}, not {want}"
                )
    return sizes, _still_open(inputs, sizes, ranges, hints)


def _still_open(
    inputs: Sequence[Any],
    sizes: Mapping[str, int],
    ranges: Mapping[str, Dim],
    hints: Mapping[str, int],
) -> tuple[OpenDim, ...]:
    """Lists the dimensions without a size, and gives them the names asked for."""
    found: dict[str, OpenDim] = {}
    for value in inputs:
        for axis, field in enumerate(value.type.tensor_type.shape.dim):
            name = field.dim_param
            if field.HasField("dim_value") or name in sizes:
                continue
            dim = ranges.get(name) or Dim(name)
            usual = _FIRST if axis == 0 else _OTHER
            hint = hints.get(name, usual)
            known = found.setdefault(
                name, OpenDim(dim, max(1, dim.min, hint if dim.max is None else min(hint, dim.max)))
            )
            field.dim_param = known.dim.name
    names = [each.dim.name for each in found.values()]
    if twice := [name for name in names if names.count(name) > 1 or name in sizes]:
        raise InvalidArgument(
            f"two dimensions would be called '{twice[0]}'", hint="give them different names"
        )
    return tuple(found.values())


def _examples(
    names: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    if len(args) > len(names):
        raise InvalidArgument(f"the model has {len(names)} inputs, {len(args)} examples were given")
    unknown = [name for name in kwargs if name not in names]
    if unknown:
        raise InvalidArgument(f"the model has no input '{unknown[0]}', only {list(names)}")
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _requested(inputs: Sequence[Any], dims: Any) -> dict[str, int | Dim]:
    """Gives what is asked for each dimension that is named in the graph."""
    requests: dict[str, int | Dim] = {}
    if not dims:
        return requests
    by_position = {value.name: asked for value, asked in zip(inputs, dims, strict=False)}
    given = cast("Mapping[str, Any]", dims) if isinstance(dims, Mapping) else by_position
    by_name = {value.name: value for value in inputs}
    names = {size for value in inputs for size in shape_of(value) if isinstance(size, str)}

    def ask(name: str, asked: Any) -> None:
        wanted = asked if isinstance(asked, int) else _dim(asked)
        if requests.setdefault(name, wanted) != wanted:
            raise InvalidArgument(f"dims asks for the dimension '{name}' in two ways")

    for key, asked in given.items():
        if not isinstance(asked, (Mapping, list, tuple)) and asked is not None:
            if key not in names:
                raise InvalidArgument(f"the model has no dimension '{key}', only {sorted(names)}")
            ask(key, asked)
            continue
        if key not in by_name:
            raise InvalidArgument(f"dims names the input '{key}', which is not in the model")
        shape = by_name[key].type.tensor_type.shape.dim
        pairs = (
            cast("Mapping[int, Any]", asked).items()
            if isinstance(asked, Mapping)
            else enumerate(cast("Sequence[Any]", asked or ()))
        )
        for axis, wanted in pairs:
            if wanted is None:
                continue
            if not 0 <= axis < len(shape) or shape[axis].HasField("dim_value"):
                raise InvalidArgument(
                    f"axis {axis} of the input '{key}' is fixed in the model",
                    hint="export the model with this axis dynamic",
                )
            ask(shape[axis].dim_param, wanted)
    return requests


def _dim(asked: Any) -> Dim:
    """Reads a name, a `fairway.Dim` or a `torch.export.Dim`."""
    if isinstance(asked, Dim):
        return asked
    if isinstance(asked, str):
        return Dim(asked)
    name = getattr(asked, "__name__", None)
    if not isinstance(name, str):
        raise InvalidArgument(
            f"dims holds {asked!r}, which is no dimension",
            hint='give a size, a name, or a range such as fairway.Dim("batch", 1, 64)',
        )
    high = asked.max if isinstance(asked.max, int) else None
    return Dim(name, max(1, int(asked.min)), high)
