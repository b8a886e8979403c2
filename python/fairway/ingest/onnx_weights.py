# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Splits an ONNX graph's constants into parameters and constants that stay in the code.

Weights must not be in the program's text. But shapes, axes, bounds and the like decide
what an operation means, so the importer has to see them. A constant stays when

- a node takes it where the operation wants a constant (`CONSTANT_INPUTS`), or
- it has no dimensions, or
- it holds at most 64 integers or booleans in one dimension.

Everything else becomes an argument of `@main`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fairway.errors import InvalidModel
from fairway.ingest.onnx_read import OnnxSource, dtype_name, import_onnx
from fairway.program import check_dtype

__all__ = ["CONSTANT_INPUTS", "Weight", "extract"]

INLINE_LIMIT = 64

CONSTANT_INPUTS: dict[str, frozenset[int]] = {
    name: frozenset(positions)
    for name, positions in {
        "AffineGrid": (1,),
        "CenterCropPad": (1,),
        "Clip": (1, 2),
        "Col2Im": (1, 2),
        "ConstantOfShape": (0,),
        "CumProd": (1,),
        "CumSum": (1,),
        "DFT": (1, 2),
        "Dropout": (1, 2),
        "Expand": (1,),
        "MaxUnpool": (2,),
        "OneHot": (1, 2),
        "Pad": (1, 2, 3),
        "Range": (0, 1, 2),
        "ReduceL1": (1,),
        "ReduceL2": (1,),
        "ReduceLogSum": (1,),
        "ReduceLogSumExp": (1,),
        "ReduceMax": (1,),
        "ReduceMean": (1,),
        "ReduceMin": (1,),
        "ReduceProd": (1,),
        "ReduceSum": (1,),
        "ReduceSumSquare": (1,),
        "Reshape": (1,),
        "Resize": (1, 2, 3),
        "STFT": (1, 3),
        "Slice": (1, 2, 3, 4),
        "Split": (1,),
        "Squeeze": (1,),
        "Tile": (1,),
        "TopK": (1,),
        "Trilu": (1,),
        "Unsqueeze": (1,),
        "Upsample": (1,),
    }.items()
}


@dataclass
class Weight:
    """A constant that became an argument.

    Attributes:
        name: Its name in the graph.
        kind: `parameter` for floating-point data, else `buffer`.
        array: The data; for external data a copy-on-write mapping of the file.
    """

    name: str
    kind: Literal["parameter", "buffer"]
    array: Any


def extract(source: OnnxSource) -> list[Weight]:
    """Moves weights out of the model, which is changed in place, into arguments.

    Constants that stay are loaded into the model where their data was external.

    Raises:
        InvalidModel: External data is missing or too short.
        UnsupportedOp: A weight has a type that Fairway does not know.
    """
    onnx = import_onnx()
    graph = source.proto.graph
    _constants_to_initializers(onnx, graph)
    needed = _needed_as_constants(graph)
    declared = {value.name: value for value in graph.input}
    weights: list[Weight] = []
    kept: list[Any] = []
    for tensor in graph.initializer:
        if tensor.name in needed or _is_small(onnx, tensor):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                array = np.ascontiguousarray(_external(onnx, tensor, source))
                tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
            kept.append(tensor)
            if tensor.name in declared:
                graph.input.remove(declared[tensor.name])
            continue
        array = _data(onnx, tensor, source)
        floating = _is_floating(onnx, tensor.data_type)
        weights.append(Weight(tensor.name, "parameter" if floating else "buffer", array))
        if tensor.name not in declared:
            value = onnx.helper.make_tensor_value_info(
                tensor.name, tensor.data_type, list(tensor.dims)
            )
            graph.input.append(value)
    kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return weights


def _constants_to_initializers(onnx: Any, graph: Any) -> None:
    """Makes large `Constant` nodes initializers, so that all weights are found alike."""
    for node in list(graph.node):
        if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
            continue
        tensor = next((a.t for a in node.attribute if a.name == "value"), None)
        if tensor is None or math.prod(tensor.dims) <= INLINE_LIMIT:
            continue
        moved = graph.initializer.add()
        moved.CopyFrom(tensor)
        moved.name = node.output[0]
        graph.node.remove(node)


def _needed_as_constants(graph: Any) -> set[str]:
    """Names every value that some operation wants to be constant, subgraphs included."""
    names: set[str] = set()
    for node in graph.node:
        positions = CONSTANT_INPUTS.get(node.op_type, frozenset())
        names |= {name for index, name in enumerate(node.input) if index in positions}
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names |= _needed_as_constants(attribute.g)
    return names


def _is_small(onnx: Any, tensor: Any) -> bool:
    if not tensor.dims:
        return True
    integral = not _is_floating(onnx, tensor.data_type)
    return integral and len(tensor.dims) == 1 and tensor.dims[0] <= INLINE_LIMIT


def _is_floating(onnx: Any, data_type: int) -> bool:
    kinds = onnx.TensorProto
    return data_type in (kinds.FLOAT, kinds.FLOAT16, kinds.DOUBLE, kinds.BFLOAT16)


def _data(onnx: Any, tensor: Any, source: OnnxSource) -> Any:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return _external(onnx, tensor, source)
    dtype = _dtype(onnx, tensor, source)
    shape = tuple(tensor.dims)
    if tensor.HasField("raw_data"):
        raw = tensor.raw_data
        if len(raw) != math.prod(shape) * dtype.itemsize:
            raise InvalidModel(
                f"the tensor '{tensor.name}' has {len(raw)} bytes of data, which does not fit "
                f"its shape {list(shape)}",
                where=source.label,
            )
        flat: Any = np.frombuffer(raw, dtype)
        return flat.reshape(shape)
    try:
        return onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        raise InvalidModel(
            f"the data of the tensor '{tensor.name}' cannot be read: {error}",
            where=source.label,
        ) from error


def _external(onnx: Any, tensor: Any, source: OnnxSource) -> Any:
    """Maps a tensor's data from its file, without reading it."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    location = fields.get("location", "")
    if source.folder is None:
        raise InvalidModel(
            f"the data of the tensor '{tensor.name}' is in the file '{location}', and the model "
            "was not given as a path",
            where=source.label,
            hint="pass the path of the .onnx file, or load the model with its external data",
        )
    path = _inside(source.folder, location, tensor.name, source.label)
    dtype, shape = _dtype(onnx, tensor, source), tuple(tensor.dims)
    size = math.prod(shape) * dtype.itemsize
    offset = int(fields.get("offset") or 0)
    length = int(fields.get("length") or size)
    if not path.is_file():
        raise InvalidModel(
            f"the file '{path}' with the data of the tensor '{tensor.name}' is missing",
            where=source.label,
            hint="keep the model's data file beside the .onnx file",
        )
    if length != size or offset < 0 or offset + size > path.stat().st_size:
        raise InvalidModel(
            f"the file '{path}' is too short for the tensor '{tensor.name}', or the sizes in the "
            "model are wrong",
            where=source.label,
            hint="check that the data file was written and copied completely",
        )
    if size == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, mode="c", offset=offset, shape=shape)


def _inside(folder: Path, location: str, name: str, label: str) -> Path:
    """Resolves a location, which may not lead out of the model's folder."""
    path = (folder / location).resolve()
    if not location or not path.is_relative_to(folder.resolve()):
        raise InvalidModel(
            f"the tensor '{name}' names the data file '{location}', which is not in the "
            "model's folder",
            where=label,
        )
    return path


def _dtype(onnx: Any, tensor: Any, source: OnnxSource) -> np.dtype[Any]:
    check_dtype(tensor.name, dtype_name(tensor.data_type), "parameter", source.label)
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
