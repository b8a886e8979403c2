# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The symbolic dimensions of an ONNX model."""

from __future__ import annotations

from pathlib import Path

from fairway.errors import InvalidModel, MissingDependency

__all__ = ["leading_symbols"]


def leading_symbols(path: Path) -> tuple[str, ...]:
    """The names of the symbolic first dimensions of a model's inputs, each once.

    Raises:
        InvalidModel: The file cannot be read.
        MissingDependency: onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingDependency(
            "reading an ONNX model needs onnx", hint="pip install onnx"
        ) from error
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:
        raise InvalidModel(f"the file is no ONNX model: {error}", where=str(path)) from error
    weights = {tensor.name for tensor in graph.initializer}
    shapes = (v.type.tensor_type.shape.dim for v in graph.input if v.name not in weights)
    return tuple(dict.fromkeys(dims[0].dim_param for dims in shapes if dims and dims[0].dim_param))
