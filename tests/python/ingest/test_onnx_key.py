# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an ONNX model's key covers: everything that changes the code, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ingest_onnx_models import linear, save_external
from onnx import numpy_helper

from fairway.dims import Dim
from fairway.ingest import begin


def key(model: Any, *args: Any, dims: Any = None) -> str | None:
    return begin(model, args, None, dims).key


def set_weight(proto: Any, name: str, array: Any) -> None:
    (tensor,) = [tensor for tensor in proto.graph.initializer if tensor.name == name]
    tensor.CopyFrom(numpy_helper.from_array(array, name))


def changed(change: Callable[[Any], Any]) -> Any:
    proto = linear()
    change(proto)
    return proto


def test_values_of_weights_do_not_count() -> None:
    other = changed(lambda p: set_weight(p, "W", np.zeros((4, 3), np.float32)))
    assert key(other) == key(linear())
    assert key(other) is not None


def test_remarks_and_names_of_nodes_do_not_count() -> None:
    def change(proto: Any) -> None:
        proto.doc_string, proto.producer_name = "remark", "somebody"
        for node in proto.graph.node:
            node.name, node.doc_string = f"other {node.name}", "remark"
            node.metadata_props.add(key="stack_trace", value="file.py:3")
        proto.graph.input[0].doc_string = "remark"

    assert key(changed(change)) == key(linear())


DIFFERENT = {
    "operation": lambda p: setattr(p.graph.node[1], "op_type", "Tanh"),
    "attribute": lambda p: p.graph.node[0].attribute.append(
        onnx.helper.make_attribute("alpha", 2.0)
    ),
    "constant": lambda p: set_weight(p, "shape", np.array([2, -1, 3], np.int64)),
    "weight's shape": lambda p: set_weight(p, "B", np.ones((1, 3), np.float32)),
    "weight's dtype": lambda p: set_weight(p, "B", np.ones(3, np.float64)),
    "result's name": lambda p: setattr(p.graph.output[0], "name", "z"),
    "operator set": lambda p: setattr(p.opset_import[0], "version", 18),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_keys_apart(name: str) -> None:
    assert key(changed(DIFFERENT[name])) != key(linear())


def test_sizes_of_dimensions_count() -> None:
    keys = {
        key(linear("n"), dims={"n": 2}),
        key(linear("n"), dims={"n": 3}),
        key(linear("n")),
        key(linear(2)),
    }
    assert len(keys) == 4
    assert key(linear("n"), np.zeros((2, 4), np.float32)) == key(linear("n"), dims={"n": 2})


def test_ranges_and_names_of_open_dimensions_count() -> None:
    asked = [{}, {"n": Dim("n", 1, 64)}, {"n": Dim("n", 2)}, {"n": "m"}, {"x": {0: "k"}}]
    keys = [key(linear("n"), dims=dims) for dims in asked]
    keys.append(key(linear("n"), np.zeros((7, 4), np.float32), dims={"n": "n"}))  # the hint
    assert len(set(keys)) == len(keys)
    assert key(linear("n"), dims={"n": Dim("n")}) == keys[0]


def test_where_weights_lie_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    save_external(path)
    assert key(path) == key(linear())


def test_key_leaves_the_model_as_it_is() -> None:
    source = begin(linear())
    program = source.program()
    assert "gemm (Gemm)" in program.module
    for name, array in program.arrays.items():
        np.testing.assert_array_equal(source.array(name), array)
