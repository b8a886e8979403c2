# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models that cannot be compiled say why, where, and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from ingest_onnx_models import linear, model, save_external, single, value
from onnx import TensorProto, helper

from fairway.errors import InvalidModel, MissingDependency, UnsupportedOp
from fairway.ingest import load


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="there is no file .*nothing.onnx"):
        load(tmp_path / "nothing.onnx")


def test_folder(tmp_path: Path) -> None:
    folder = tmp_path / "m.onnx"
    folder.mkdir()
    with pytest.raises(InvalidModel, match="is a folder"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"not a model at all", bytes(range(256)) * 4])
def test_file_that_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(InvalidModel, match="holds no ONNX model"):
        load(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_file(tmp_path: Path, part: float) -> None:
    content = linear().SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(InvalidModel, match="only a part of one"):
        load(path)


def test_operation_outside_the_standard() -> None:
    proto = single("FusedGelu", [value("x", [2])], [value("y", [2])], domain="com.example")
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    proto.graph.node[0].name = "gelu_7"
    with pytest.raises(UnsupportedOp, match="com.example.FusedGelu") as caught:
        load(proto)
    assert "gelu_7" in (caught.value.where or "")


def test_unknown_operation_of_the_standard_domain() -> None:
    with pytest.raises(UnsupportedOp, match="onnx.Gelo"):
        load(single("Gelo", [value("x", [2])], [value("y", [2])]))


def test_operation_that_cannot_be_lowered_is_named_with_its_node() -> None:
    proto = single(
        "MaxRoiPool",
        [value("x", [1, 1, 4, 4]), value("r", [1, 5])],
        [value("y", [1, 1, 2, 2])],
        pooled_shape=[2, 2],
    )
    proto.graph.node[0].name = "pool_3"
    with pytest.raises(UnsupportedOp, match=r"onnx\.MaxRoiPool") as caught:
        load(proto)
    assert "pool_3 (MaxRoiPool)" in (caught.value.where or "")
    assert caught.value.operations == ("onnx.MaxRoiPool",)


def test_operation_that_crashes_the_importer_is_named_with_its_node() -> None:
    nodes = [helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(9)]
    nodes[6] = helper.make_node("Unique", ["v6"], ["v7"], name="unique_6")
    proto = model(nodes, [value("v0", [4])], [value("v9", [None])])
    with pytest.raises(UnsupportedOp, match=r"onnx\.Unique.*SIGSEGV") as caught:
        load(proto)
    assert caught.value.where == "unique_6 (Unique)"


def test_contradicting_types() -> None:
    proto = model(
        [helper.make_node("Add", ["x", "i"], ["y"])],
        [value("x", [2]), value("i", [2], TensorProto.INT64)],
        [value("y", [2])],
    )
    with pytest.raises(InvalidModel, match="do not fit|not valid"):
        load(proto)


def test_value_that_nothing_makes() -> None:
    proto = model([helper.make_node("Relu", ["ghost"], ["y"])], [], [value("y", [2])])
    with pytest.raises(InvalidModel, match="ghost"):
        load(proto)


def test_tensors_only() -> None:
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, [2])
    proto = single("SequenceLength", [sequence], [value("n", [], TensorProto.INT64)])
    with pytest.raises(UnsupportedOp, match="'s' is a sequence"):
        load(proto)


def test_external_data_missing(tmp_path: Path) -> None:
    save_external(tmp_path / "m.onnx")
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(InvalidModel, match="weights.bin.* is missing"):
        load(tmp_path / "m.onnx")


def test_external_data_too_short(tmp_path: Path) -> None:
    save_external(tmp_path / "m.onnx")
    data = tmp_path / "weights.bin"
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(InvalidModel, match="too short"):
        load(tmp_path / "m.onnx")


def test_external_data_without_a_folder(tmp_path: Path) -> None:
    save_external(tmp_path / "m.onnx")
    with pytest.raises(InvalidModel, match="not given as a path"):
        load((tmp_path / "m.onnx").read_bytes())


def test_external_data_may_not_leave_the_folder(tmp_path: Path) -> None:
    save_external(tmp_path / "m.onnx")
    (tmp_path / "inner").mkdir()
    proto = onnx.load(tmp_path / "m.onnx", load_external_data=False)
    for tensor in proto.graph.initializer:
        tensor.external_data[0].value = "../weights.bin"
    path = tmp_path / "inner" / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(InvalidModel, match="not in the model's folder"):
        load(path)


def test_data_that_does_not_fit_its_shape() -> None:
    proto = linear()
    proto.graph.initializer[0].raw_data = b"1234"
    with pytest.raises(InvalidModel, match="'W' has 4 bytes"):
        load(proto)


def test_types_that_are_not_known() -> None:
    proto = model(
        [helper.make_node("Identity", ["s"], ["y"])],
        [],
        [value("y", [2, 2], TensorProto.STRING)],
        {"s": np.array([["a", "b"], ["c", "d"]], dtype=object)},
    )
    with pytest.raises(UnsupportedOp, match="parameter 's' has the dtype string"):
        load(proto)


@pytest.mark.parametrize("dtype", ["FLOAT8E4M3FN", "INT4", "FLOAT4E2M1", "COMPLEX64", "STRING"])
def test_inputs_and_outputs_of_unknown_types(dtype: str) -> None:
    element = TensorProto.DataType.Value(dtype)
    narrow, wide = value("narrow", [2], element), value("wide", [2])
    for kind, ends in (("input", (narrow, wide)), ("output", (wide, narrow))):
        to = ends[1].type.tensor_type.elem_type
        proto = single("Cast", [ends[0]], [ends[1]], to=to)
        told = f"the {kind} 'narrow' has the dtype {dtype.lower()}"
        with pytest.raises(UnsupportedOp, match=told) as caught:
            load(proto)
        assert caught.value.where and caught.value.hint


def test_missing_onnx_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependency) as caught:
        load("model.onnx")
    assert "pip install onnx" in (caught.value.hint or "")
