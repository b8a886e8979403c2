# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrent layers of ONNX over several steps: their loop is written out."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import fairway

STEPS, BATCH, WIDTH, HIDDEN = 7, 2, 6, 10


def layer(operation: str, direction: str) -> onnx.ModelProto:
    random = np.random.default_rng()
    directions = 2 if direction == "bidirectional" else 1
    rows = {"RNN": 1, "GRU": 3, "LSTM": 4}[operation] * HIDDEN
    shapes = {"w": (rows, WIDTH), "r": (rows, HIDDEN), "b": (2 * rows,)}
    weights = [
        numpy_helper.from_array(
            random.standard_normal((directions, *shape)).astype(np.float32) / 4, name
        )
        for name, shape in shapes.items()
    ]
    extra = {"linear_before_reset": 1} if operation == "GRU" else {}
    node = helper.make_node(
        operation, ["x", *shapes], ["y", "last"], hidden_size=HIDDEN, direction=direction, **extra
    )
    graph = helper.make_graph(
        [node],
        operation,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (STEPS, BATCH, WIDTH))],
        [
            helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, (STEPS, directions, BATCH, HIDDEN)
            ),
            helper.make_tensor_value_info("last", TensorProto.FLOAT, (directions, BATCH, HIDDEN)),
        ],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize(
    ("operation", "direction"),
    [
        (operation, direction)
        for operation in ("LSTM", "GRU", "RNN")
        for direction in ("forward", "reverse", "bidirectional")
    ],
)
def test_over_several_steps(operation: str, direction: str) -> None:
    model = layer(operation, direction)
    x = np.random.default_rng().standard_normal((STEPS, BATCH, WIDTH)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = fairway.compile(model)(x)
    for ours, theirs in zip(found, session.run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
