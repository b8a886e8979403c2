# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small ONNX models that the tests share, built without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

W = np.arange(12, dtype=np.float32).reshape(4, 3)
B = np.array([1.0, 2.0, 3.0], np.float32)


def value(name: str, shape: list | None, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: list,
    inputs: list,
    outputs: list,
    weights: dict[str, np.ndarray] | None = None,
    opset: int = 17,
    **fields: Any,
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "graph with spaces", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **fields)


def linear(batch: int | str = 2, opset: int = 17) -> onnx.ModelProto:
    """relu(x @ W + B), reshaped by a constant."""
    nodes = [
        helper.make_node("Gemm", ["x", "W", "B"], ["h"], name="gemm"),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Reshape", ["r", "shape"], ["y"]),
    ]
    weights = {"W": W, "B": B, "shape": np.array([-1, 1, 3], np.int64)}
    return model(nodes, [value("x", [batch, 4])], [value("y", [None, 1, 3])], weights, opset)


def single(op: str, inputs: list, outputs: list, opset: int = 17, **attributes: Any) -> Any:
    """One node between the graph's inputs and outputs."""
    node = helper.make_node(op, [v.name for v in inputs], [v.name for v in outputs], **attributes)
    return model([node], inputs, outputs, opset=opset)


def save_external(path: Path) -> onnx.ModelProto:
    """Saves the linear model with all its data in a file beside it."""
    proto = linear()
    onnx.save_model(
        proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    return proto
