# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Binds the symbolic dimensions of an ONNX graph to sizes, or names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from fairway.errors import InvalidArgument

__all__ = ["bind", "name_unknown", "shape_of"]


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


def bind(
    inputs: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any], dims: Any
) -> dict[str, int]:
    """Finds the size of each symbolic dimension that is to become fixed.

    Args:
        inputs: The graph's inputs (`ValueInfoProto`) that are not weights.
        args: Example inputs by position.
        kwargs: Example inputs by name.
        dims: Sizes by dimension name (`{"batch": 4}`), or the dimensions that stay
            symbolic, by input and axis (`{"x": {0: "batch"}}`).

    Raises:
        InvalidArgument: The examples do not fit the graph or each other.
    """
    examples = _examples([value.name for value in inputs], args, kwargs)
    sizes, symbolic = _requested(inputs, dims)
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
                if want in symbolic:
                    continue
                want = sizes.setdefault(want, have)
            if want != have:
                raise InvalidArgument(
                    f"the example for '{value.name}' has size {have} on axis {axis}, not {want}"
                )
    return sizes


def _examples(
    names: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    if len(args) > len(names):
        raise InvalidArgument(f"the model has {len(names)} inputs, {len(args)} examples were given")
    unknown = [name for name in kwargs if name not in names]
    if unknown:
        raise InvalidArgument(f"the model has no input '{unknown[0]}', only {list(names)}")
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _requested(inputs: Sequence[Any], dims: Any) -> tuple[dict[str, int], set[str]]:
    """Splits `dims` into fixed sizes and names that stay; renames where asked to."""
    sizes: dict[str, int] = {}
    symbolic: set[str] = set()
    if not dims:
        return sizes, symbolic
    request: dict[str, Any] = (
        dict(cast("Mapping[str, Any]", dims))
        if isinstance(dims, Mapping)
        else {value.name: asked for value, asked in zip(inputs, dims, strict=False)}
    )
    by_name = {value.name: value for value in inputs}
    names = {size for value in inputs for size in shape_of(value) if isinstance(size, str)}
    for key, asked in request.items():
        if isinstance(asked, int):
            if key not in names:
                raise InvalidArgument(f"the model has no dimension '{key}', only {sorted(names)}")
            sizes[key] = asked
            continue
        if key not in by_name:
            raise InvalidArgument(f"dims names the input '{key}', which is not in the model")
        shape = by_name[key].type.tensor_type.shape.dim
        pairs = (
            cast("Mapping[int, Any]", asked).items()
            if isinstance(asked, Mapping)
            else enumerate(cast("Sequence[Any]", asked or ()))
        )
        for axis, name in pairs:
            if name is None or isinstance(name, int):
                continue
            if not 0 <= axis < len(shape) or shape[axis].HasField("dim_value"):
                raise InvalidArgument(
                    f"axis {axis} of the input '{key}' is fixed in the model",
                    hint="export the model with this axis dynamic",
                )
            symbolic.add(shape[axis].dim_param)
    return sizes, symbolic
