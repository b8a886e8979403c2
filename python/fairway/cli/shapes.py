# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes of an ONNX model's symbolic dimensions, from whole input shapes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairway.errors import InvalidArgument, InvalidModel, MissingDependency

__all__ = ["sizes"]


def sizes(
    model: str, shapes: Mapping[str, tuple[int, ...]], known: Mapping[str, int]
) -> dict[str, int]:
    """Solves for the symbolic dimensions.

    Args:
        model: The path of an ONNX model.
        shapes: Wanted shape of each named input.
        known: Sizes already given; they stay.

    Raises:
        InvalidArgument: A shape does not fit the model's.
        InvalidModel: The model is no ONNX file.
        MissingDependency: The package onnx is not installed.
    """
    found = dict(known)
    declared = _declared(model)
    for name, shape in shapes.items():
        if name not in declared:
            raise InvalidArgument(
                f"the model has no input '{name}'", hint=f"its inputs are {', '.join(declared)}"
            )
        wanted = declared[name]
        if len(wanted) != len(shape):
            raise InvalidArgument(
                f"input '{name}' has {len(wanted)} dimensions {_show(wanted)}, not {len(shape)}"
            )
        for size, dim in zip(shape, wanted, strict=True):
            expected = found.setdefault(dim, size) if isinstance(dim, str) else dim
            if expected != size:
                raise InvalidArgument(
                    f"input '{name}' is {_show(wanted)}; {size} does not fit where "
                    f"{dim} {'is ' + str(expected) if isinstance(dim, str) else 'is fixed'}"
                )
    return found


def _declared(model: str) -> dict[str, list[int | str]]:
    """The shape of each input as the file declares it."""
    if Path(model).suffix != ".onnx":
        raise InvalidArgument(
            "--input-shape is for ONNX files",
            hint="the shapes of other models come with their example arguments; use --dim",
        )
    try:
        import onnx
    except ImportError as error:
        raise MissingDependency(
            "ONNX models need the package onnx", hint="pip install onnx"
        ) from error
    if not Path(model).is_file():
        raise InvalidModel(f"there is no file {model}", hint="check the path")
    try:
        graph: Any = onnx.load(model, load_external_data=False).graph
    except Exception as error:
        raise InvalidModel(
            f"{model} is not an ONNX model, or is damaged", hint="export it again"
        ) from error
    weights = {tensor.name for tensor in graph.initializer}
    return {
        value.name: [
            dim.dim_param or f"{value.name}.{axis}"
            if not dim.HasField("dim_value")
            else dim.dim_value
            for axis, dim in enumerate(value.type.tensor_type.shape.dim)
        ]
        for value in graph.input
        if value.name not in weights
    }


def _show(shape: list[int | str]) -> str:
    return "[" + ", ".join(str(dim) for dim in shape) + "]"
