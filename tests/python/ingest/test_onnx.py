# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models become programs: sources, weights, constants, shapes, old operator sets."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from ingest_onnx_models import B, W, linear, model, save_external, single, value
from onnx import TensorProto, helper

from fairway.ingest import load
from fairway.program import Program


@pytest.fixture(scope="module")
def program() -> Program:
    return load(linear())


def test_signature_names_inputs_weights_and_outputs(program: Program) -> None:
    assert [(s.name, s.dtype, s.shape, s.kind) for s in program.inputs] == [
        ("x", "float32", (2, 4), "input")
    ]
    assert [(s.name, s.shape, s.kind) for s in program.parameters] == [
        ("W", (4, 3), "parameter"),
        ("B", (3,), "parameter"),
    ]
    assert [(s.name, s.shape) for s in program.outputs] == [("y", (2, 1, 3))]
    assert program.framework == "onnx"


def test_entry_is_main_and_carries_attributes(program: Program) -> None:
    main = next(line for line in program.module.splitlines() if "@main" in line)
    assert "func.func public @main(" in main
    assert 'fairway.kind = "parameter", fairway.name = "W"' in main


def test_locations_name_node_and_operation(program: Program) -> None:
    assert '"gemm (Gemm)"' in program.module
    assert '"node 1 (Relu)"' in program.module


def test_weights_have_the_model_s_values(program: Program) -> None:
    np.testing.assert_array_equal(program.arrays["W"], W)
    np.testing.assert_array_equal(program.arrays["B"], B)


@pytest.mark.parametrize("source", ["path", "string", "bytes", "proto"])
def test_every_source_gives_the_same(source: str, tmp_path: Path, program: Program) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(linear(), path)
    given = {
        "path": path,
        "string": str(path),
        "bytes": path.read_bytes(),
        "proto": onnx.load(path),
    }[source]
    assert load(given).module == program.module


def test_the_caller_s_model_is_left_alone() -> None:
    proto = linear()
    before = proto.SerializeToString()
    load(proto)
    assert proto.SerializeToString() == before


def test_external_data_is_mapped_not_read(tmp_path: Path) -> None:
    save_external(tmp_path / "m.onnx")
    program = load(tmp_path / "m.onnx")
    weight = program.arrays["W"]
    assert isinstance(weight, np.memmap)
    np.testing.assert_array_equal(weight, W)
    assert [s.name for s in program.parameters] == ["W", "B"]  # the shape came from the file


def test_inputs_go_by_position_or_name(program: Program) -> None:
    x = np.zeros((2, 4), np.float32)
    assert program.tree.flatten((x,))[0] is x
    assert program.tree.flatten((), {"x": x})[0] is x
    assert program.tree.unflatten([x]) is x


def test_several_outputs_come_as_a_tuple() -> None:
    proto = model(
        [
            helper.make_node("Relu", ["x"], ["a"]),
            helper.make_node("Greater", ["x", "a"], ["b"]),
        ],
        [value("x", [2])],
        [value("a", [2]), value("b", [2], TensorProto.BOOL)],
    )
    program = load(proto)
    assert [s.dtype for s in program.outputs] == ["float32", "bool"]
    assert program.tree.unflatten([1, 2]) == (1, 2)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 18, 21])
def test_operator_sets(opset: int) -> None:
    assert load(linear(opset=opset)).outputs[0].shape == (2, 1, 3)


def test_large_constant_nodes_are_weights_and_small_integers_are_not() -> None:
    table = np.random.default_rng(0).random((16, 8)).astype(np.float32)
    proto = model(
        [
            helper.make_node(
                "Constant", [], ["table"], value=onnx.numpy_helper.from_array(table, "t")
            ),
            helper.make_node("Gather", ["table", "index"], ["y"]),
        ],
        [],
        [value("y", [2, 8])],
        {"index": np.array([3, 1], np.int64)},
    )
    program = load(proto)
    assert [s.name for s in program.parameters] == ["table"]
    np.testing.assert_array_equal(program.arrays["table"], table)


def test_integer_matrices_are_buffers() -> None:
    proto = model(
        [helper.make_node("Add", ["x", "n"], ["y"])],
        [value("x", [2, 2], TensorProto.INT64)],
        [value("y", [2, 2], TensorProto.INT64)],
        {"n": np.ones((2, 2), np.int64)},
    )
    assert [(s.name, s.kind, s.dtype) for s in load(proto).parameters] == [("n", "buffer", "int64")]


def test_floating_constants_that_an_operation_needs_stay() -> None:
    proto = model(
        [helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")],
        [value("x", [1, 1, 2, 2])],
        [value("y", [1, 1, 4, 4])],
        {"scales": np.array([1, 1, 2, 2], np.float32)},
    )
    assert load(proto).parameters == ()


def test_shape_computations_fold_away() -> None:
    proto = model(
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "zero"], ["n"]),
            helper.make_node("Concat", ["n", "rest"], ["to"], axis=0),
            helper.make_node("Reshape", ["x", "to"], ["y"]),
        ],
        [value("x", [2, 3, 4])],
        [value("y", None)],
        {"zero": np.array([0], np.int64), "rest": np.array([12], np.int64)},
    )
    program = load(proto)
    assert program.outputs[0].shape == (2, 12)
    assert "tensor.collapse_shape" in program.module


def test_local_functions_are_inlined() -> None:
    function = helper.make_function(
        "my.domain",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )
    proto = model(
        [helper.make_node("Twice", ["x"], ["y"], domain="my.domain")],
        [value("x", [2])],
        [value("y", [2])],
        functions=[function],
    )
    proto.opset_import.append(helper.make_opsetid("my.domain", 1))
    assert "arith.addf" in load(proto).module


def test_operations_that_fail_are_expanded_to_their_definition() -> None:
    proto = single(
        "RMSNormalization", [value("x", [2, 4]), value("s", [4])], [value("y", [2, 4])], opset=23
    )
    program = load(proto)
    assert program.outputs[0].shape == (2, 4)
    assert "math.rsqrt" in program.module or "math.sqrt" in program.module


def test_operations_that_torch_mlir_computes_coarsely_are_expanded() -> None:
    """The tanh form of Gelu: its own has another constant for sqrt(2 / pi)."""
    node = helper.make_node("Gelu", ["x"], ["y"], approximate="tanh")
    program = load(model([node], [value("x", [4])], [value("y", [4])], opset=20))
    assert "0.797884" in program.module or "7.97884" in program.module


def test_unused_weights_are_dropped() -> None:
    proto = linear()
    proto.graph.initializer.append(
        onnx.numpy_helper.from_array(np.zeros((5, 5), np.float32), "unused")
    )
    assert {s.name for s in load(proto).parameters} == {"W", "B"}


def test_no_torch_is_loaded(tmp_path: Path) -> None:
    import subprocess

    onnx.save(linear(), tmp_path / "m.onnx")
    code = (
        "import sys; from fairway.ingest import load; load(sys.argv[1]); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "m.onnx")], check=True)
