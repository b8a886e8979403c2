# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads ONNX models: finds and checks the file, and brings old operator sets up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fairway.errors import Error, InvalidModel, MissingDependency, UnsupportedOp
from fairway.ingest._paths import path_of

__all__ = [
    "FOLD_LIMIT",
    "OnnxSource",
    "check",
    "check_operations",
    "dtype_name",
    "import_onnx",
    "infer_shapes",
    "read",
    "upgrade",
]

BYTES: tuple[type, ...] = (bytes, bytearray, memoryview)
OLDEST_OPSET = 11
"""Older operator sets are converted; this and newer ones go in as they are."""
CONVERTED_OPSET = 17
FOLD_LIMIT = 1024
"""Constants of at most so many elements are computed with."""


@dataclass
class OnnxSource:
    """A model as it was read.

    Attributes:
        proto: The model; external data is not loaded. Never the caller's own object.
        folder: Where external data lies; `None` when the model came from memory.
        label: How to call the model in messages.
        limit: Results of more elements are not folded to constants.
    """

    proto: Any
    folder: Path | None
    label: str
    limit: int = FOLD_LIMIT


def import_onnx(module: str = "onnx") -> Any:
    """Imports the onnx package, or one of its modules.

    Raises:
        MissingDependency: It is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependency(
            "compiling an ONNX model needs the onnx package, which is not installed",
            hint="pip install onnx",
        ) from error


def dtype_name(element: int) -> str:
    """Names one of `TensorProto`'s data types as NumPy does; others in ONNX's word."""
    name = str(import_onnx().TensorProto.DataType.Name(element)).lower()
    renamed = {"float": "float32", "double": "float64"}
    return renamed.get(name, name)


def read(model: Any) -> OnnxSource:
    """Reads a model from a path, from bytes, or copies a `ModelProto`.

    Raises:
        InvalidModel: There is no such file, or it holds no ONNX model.
    """
    onnx = import_onnx()
    if isinstance(model, BYTES):
        content = bytes(cast("bytes", model))
        return OnnxSource(_parse(onnx, content, "the bytes given"), None, "model in memory")
    given = path_of(model)
    if given is not None:
        path = Path(given).absolute()
        if not path.is_file():
            raise InvalidModel(
                f"there is no file '{path}'"
                if not path.exists()
                else f"'{path}' is a folder, not a file",
                hint="give the path of an .onnx file",
            )
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InvalidModel(f"'{path}' cannot be read: {error.strerror}") from error
        return OnnxSource(_parse(onnx, content, f"'{path}'"), path.parent, str(path))
    if not isinstance(model, onnx.ModelProto):
        raise InvalidModel(f"an object of type {type(model).__name__} is no ONNX model")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return OnnxSource(copy, None, f"graph '{model.graph.name}'")


def upgrade(proto: Any, label: str) -> Any:
    """Converts operator sets older than 11.

    Raises:
        InvalidModel: The model names no operator set, or cannot be converted.
    """
    versions = {entry.domain: entry.version for entry in proto.opset_import}
    version = versions.get("", versions.get("ai.onnx"))
    if version is None and any(node.domain in ("", "ai.onnx") for node in proto.graph.node):
        raise InvalidModel(
            "the model does not say which operator set it uses (opset_import)",
            where=label,
        )
    if version is None or version >= OLDEST_OPSET:
        return proto
    converter = import_onnx("onnx.version_converter")
    try:
        return converter.convert_version(proto, CONVERTED_OPSET)
    except Exception as error:
        raise InvalidModel(
            f"the model uses operator set {version}, which cannot be converted to "
            f"{CONVERTED_OPSET}: {_first_line(error)}",
            where=label,
            hint=f"export it again with opset {CONVERTED_OPSET} or newer",
        ) from error


def check_operations(proto: Any, label: str) -> None:
    """Refuses operations that neither ONNX nor the model itself defines.

    Raises:
        UnsupportedOp: There is one.
    """
    onnx = import_onnx()
    local = {(function.domain, function.name) for function in proto.functions}
    for node in proto.graph.node:
        standard = node.domain in ("", "ai.onnx")
        if not standard and (node.domain, node.op_type) not in local:
            raise _unsupported(f"{node.domain}.{node.op_type}", node, label)
        if standard and not onnx.defs.has(node.op_type):
            raise _unsupported(f"onnx.{node.op_type}", node, label)


def check(proto: Any, label: str) -> None:
    """Runs ONNX's own checker on a model without weights.

    Raises:
        InvalidModel: The model breaks a rule of ONNX.
    """
    onnx = import_onnx()
    try:
        onnx.checker.check_model(proto)
    except Exception as error:
        raise InvalidModel(
            f"the ONNX model is not valid: {_first_line(error)}",
            where=label,
            hint="onnx.checker.check_model says more",
        ) from error


def infer_shapes(proto: Any, label: str) -> Any:
    """Infers the type of every value.

    Raises:
        InvalidModel: The shapes in the model contradict each other.
    """
    inference = import_onnx("onnx.shape_inference")
    try:
        return inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        if "inconsistent type" in str(error) or "TypeInferenceError" in str(error):
            raise InvalidModel(
                f"the types in the ONNX model do not fit: {_first_line(error)}",
                where=label,
            ) from error
        try:
            return inference.infer_shapes(proto, data_prop=True)
        except Exception as second:
            raise InvalidModel(
                f"the shapes in the ONNX model do not fit: {_first_line(second)}",
                where=label,
            ) from second


def _parse(onnx: Any, content: bytes, label: str) -> Any:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception as error:
        raise InvalidModel(
            f"{label} holds no ONNX model, or only a part of one ({len(content)} bytes)",
            hint="check that the file was written and copied completely",
        ) from error
    if not proto.HasField("graph") or not proto.graph.output:
        raise InvalidModel(
            f"{label} holds no ONNX model, or only a part of one: it has no graph with outputs",
            hint="check that the file was written and copied completely",
        )
    return proto


def _unsupported(name: str, node: Any, label: str) -> Error:
    return UnsupportedOp(
        f"the ONNX operation '{name}' is not part of the ONNX standard",
        where=f"node '{node.name}' in {label}" if node.name else label,
        hint="export the model with standard operations only",
        operations=(name,),
    )


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
