# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The importer that runs onnx-mlir, on a stand-in for its programs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import fairway
from fairway.errors import InvalidModel, MissingDependency, UnsupportedOp
from fairway.ingest import load, onnx_mlir_programs
from fairway.ingest.onnx_mlir_importer import begin

STAND_IN = Path(__file__).with_name("onnx_mlir_stand_in.py")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both programs, which the importer is told of."""
    folder = tmp_path / "programs"
    folder.mkdir()
    source = STAND_IN.read_text("utf-8")
    for name in ("onnx-mlir", "onnx-mlir-opt"):
        (folder / name).write_text(f"#!{sys.executable}\n{source}", "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv(onnx_mlir_programs.VARIABLE, str(folder))
    return folder


def _model(*last: Any, seed: int | None = None) -> onnx.ModelProto:
    """`Relu(x @ w + b)`, then other nodes from `h` to `y`."""
    random = np.random.default_rng(seed)
    weights = [
        numpy_helper.from_array(random.standard_normal(shape, np.float32), name)
        for name, shape in (("w", (64, 96)), ("b", (96,)))
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"], name="product"),
        helper.make_node("Add", ["p", "b"], ["s"], name="bias"),
        helper.make_node("Relu", ["s"], ["h" if last else "y"], name="activation"),
        *last,
    ]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 96])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def _node(name: str, operation: str = "Relu") -> onnx.NodeProto:
    return helper.make_node(operation, ["h"], ["y"], name=name)


def _float64(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    w, b = (numpy_helper.to_array(tensor).astype(np.float64) for tensor in model.graph.initializer)
    return np.maximum(x.astype(np.float64) @ w + b, 0)


@pytest.mark.usefixtures("programs")
def test_computes_what_onnx_runtime_does(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = _model()
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    x = np.random.default_rng().standard_normal((5, 64), np.float32)
    executable = fairway.compile(path, (x,), importer="onnx-mlir")
    (peer,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    exact = _float64(model, x)
    y = executable(x)
    assert y.dtype == np.float32 and y.shape == (5, 96)
    # The error of the sum's order: half an ulp for each of 65 terms at most.
    bound = 65 * 2.0**-24 * (np.abs(x) @ np.abs(numpy_helper.to_array(model.graph.initializer[0])))
    assert np.all(np.abs(y - exact) <= bound + 1e-6)
    np.testing.assert_allclose(y, peer, atol=2 * float(bound.max()))


@pytest.mark.usefixtures("programs")
def test_names_and_weights_are_those_of_the_default_importer() -> None:
    model = _model(seed=1)
    x = np.ones((2, 64), np.float32)
    ours, default = (load(model, (x,), importer=name) for name in ("onnx-mlir", "onnx"))
    assert ours.inputs == default.inputs
    assert ours.outputs == default.outputs
    assert ours.parameters == default.parameters
    assert ours.tree == default.tree
    assert "dense_resource" not in ours.module and "tosa." not in ours.module
    assert len(ours.module) < 10_000  # 6,240 weights would take more
    for name, array in default.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


@pytest.mark.usefixtures("programs")
def test_what_has_no_conversion_is_named_with_its_node() -> None:
    with pytest.raises(UnsupportedOp, match="ONNX operation 'onnx.Erf'") as caught:
        load(_model(_node("gate", "Erf")), (np.ones((2, 64), np.float32),), importer="onnx-mlir")
    assert caught.value.operations == ("onnx.Erf",)
    assert "gate" in (caught.value.where or "")


@pytest.mark.usefixtures("programs")
def test_what_onnx_mlir_refuses_is_an_error_about_the_model() -> None:
    with pytest.raises(UnsupportedOp, match="'onnx.Relu' is not supported") as caught:
        load(_model(_node("refuse")), (np.ones((2, 64), np.float32),), importer="onnx-mlir")
    assert "refuse" in (caught.value.where or "")


@pytest.mark.usefixtures("programs")
def test_a_crash_of_onnx_mlir_is_an_error() -> None:
    with pytest.raises(InvalidModel, match="SIGSEGV while importing with onnx-mlir"):
        load(_model(_node("crash")), (np.ones((2, 64), np.float32),), importer="onnx-mlir")


def test_onnx_mlir_may_not_take_forever(programs: Path, tmp_path: Path) -> None:
    found = onnx_mlir_programs.Programs(programs / "onnx-mlir", programs / "onnx-mlir-opt", 3.0)
    file = tmp_path / "model.onnx"
    stuck = _model(_node("hang"))
    del stuck.graph.initializer[:]
    for name, shape in (("w", [64, 96]), ("b", [96])):
        stuck.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    onnx.save(stuck, file)
    with pytest.raises(InvalidModel, match="did not finish within 3 s"):
        found.to_tosa(file, lambda stage: None)


def test_absent_programs_are_named_with_what_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(onnx_mlir_programs.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="onnx-mlir and onnx-mlir-opt") as caught:
        load(_model(), importer="onnx-mlir")
    assert "FAIRWAY_ONNX_MLIR=ON" in (caught.value.hint or "")
    monkeypatch.setenv(onnx_mlir_programs.VARIABLE, str(tmp_path))
    with pytest.raises(MissingDependency, match=f"not in FAIRWAY_ONNX_MLIR={tmp_path}"):
        load(_model(), importer="onnx-mlir")


def test_programs_on_path_are_found(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(onnx_mlir_programs.VARIABLE)
    monkeypatch.setenv("PATH", str(programs))
    assert onnx_mlir_programs.find_programs().importer == programs / "onnx-mlir"


def test_code_is_kept_apart_by_importer_and_by_its_build(programs: Path) -> None:
    from fairway.ingest import begin as begin_default

    model, x = _model(seed=2), np.ones((2, 64), np.float32)
    key = begin(model, (x,)).key
    assert key != begin_default(model, (x,)).key
    assert key == begin(_model(seed=3), (x,)).key  # other weights have the same code
    with (programs / "onnx-mlir-opt").open("a") as file:
        file.write("# rebuilt\n")
    assert key != begin(model, (x,)).key


@pytest.mark.usefixtures("programs")
def test_the_shell_takes_it_by_name(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from fairway.cli import main

    onnx.save(_model(), tmp_path / "model.onnx")
    arguments = ["compile", str(tmp_path / "model.onnx"), "--dim", "batch=3", "--no-cache"]
    arguments += ["--importer", "onnx-mlir", "-o", str(tmp_path / "model.so")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    y = fairway.load(tmp_path / "model.so")(np.ones((3, 64), np.float32))
    assert y.shape == (3, 96)


def test_the_default_importer_stays_torch_mlirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(onnx_mlir_programs.VARIABLE, "/nowhere")
    assert shutil.which("onnx-mlir", path="/nowhere") is None
    assert load(_model(), (np.ones((2, 64), np.float32),)).framework == "onnx"
