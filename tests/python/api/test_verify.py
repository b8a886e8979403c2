# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Comparing with the framework, and finding the operation that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import fairway
from fairway import targets
from fairway.targets import CpuTarget, Request
from fairway.verification import Verdict

torch = pytest.importorskip("torch")


class Layers(torch.nn.Module):
    """A few layers; `wrong` is on a line of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(8, 16)
        self.second = torch.nn.Linear(16, 4)

    def forward(self, x: Any, *, scale: Any) -> Any:
        hidden = torch.relu(self.first(x))
        wrong = torch.tanh(hidden * scale)
        result = self.second(wrong)
        return {"result": result.softmax(-1), "best": result.argmax(-1), "input": x}


class Broken(CpuTarget):
    """Takes every tanh for a sine."""

    def compile(self, module: str, request: Request, report: Callable[[str], None]) -> bytes:
        return super().compile(module.replace("math.tanh", "math.sin"), request, report)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "get", lambda name: Broken())


def layers() -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    torch.manual_seed(0)
    return Layers().eval(), (torch.randn(3, 8),), {"scale": torch.tensor(3.0)}


def chain() -> onnx.ModelProto:
    """y = x W, tanh, + b: three nodes."""
    weight = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["product"], name="multiply"),
            helper.make_node("Tanh", ["product"], ["squashed"], name="squash"),
            helper.make_node("Add", ["squashed", "product"], ["y"], name="sum up"),
        ],
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.ravel())],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_what_is_right_passes() -> None:
    model, args, kwargs = layers()
    stages: list[str] = []
    executable = fairway.compile(model, args, kwargs, verify=True, progress=stages.append)
    assert stages[-1] == "comparing with the framework"
    assert set(executable(*args, **kwargs)) == {"result", "best", "input"}
    fairway.compile(torch.export.export(model, args, kwargs), args, kwargs, verify=True)


@pytest.mark.usefixtures("broken")
def test_names_the_operation_the_line_and_the_kernel() -> None:
    model, args, kwargs = layers()
    with pytest.raises(fairway.WrongResult) as caught:
        fairway.compile(model, args, kwargs, cache=False, verify=True)
    verdict: Any = caught.value.verdict
    assert isinstance(verdict, Verdict)
    assert verdict.operation is not None
    assert verdict.operation.name == "aten.tanh.default"
    line = Layers.forward.__code__.co_firstlineno + 2
    assert f"test_verify.py:{line}" in (caught.value.where or "")
    assert verdict.kernel.split()[0] in str(caught.value)
    assert verdict.kernel
    assert "PyTorch" in str(caught.value)


@pytest.mark.usefixtures("broken")
def test_names_the_node_of_an_onnx_model() -> None:
    x = np.random.default_rng(1).standard_normal((2, 8)).astype(np.float32)
    with pytest.raises(fairway.WrongResult) as caught:
        fairway.compile(chain(), (x,), cache=False, verify=True)
    verdict: Any = caught.value.verdict
    assert (verdict.operation.name, verdict.operation.where) == ("Tanh", "squash")


def test_onnx_models_pass_by_name_too() -> None:
    x = np.random.default_rng(1).standard_normal((2, 8)).astype(np.float32)
    fairway.compile(chain(), (), {"x": x}, verify=True)


def test_an_exported_program_brings_its_inputs(tmp_path: Path) -> None:
    model, args, kwargs = layers()
    torch.export.save(torch.export.export(model, args, kwargs), tmp_path / "model.pt2")
    fairway.compile(tmp_path / "model.pt2", verify=True)


def test_what_pytorch_itself_gets_wrong_is_no_defect() -> None:
    """Large numbers that cancel: whoever sums them up in another order differs."""

    class Sums(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.sum(-1)

    torch.manual_seed(0)
    large = torch.randn(4, 512) * 1e8
    x = torch.cat([large, torch.randn(4, 64), -large.flip(-1)], -1)
    exact = x.double().sum(-1)
    assert (x.sum(-1) - exact).abs().max() > 0.01 * exact.abs().max()
    fairway.compile(Sums(), (x,), verify=True)


def test_needs_inputs() -> None:
    with pytest.raises(fairway.InvalidArgument, match="a value for the input 'x'"):
        fairway.compile(chain(), dims={"batch": 2}, verify=True)


def test_needs_a_framework() -> None:
    text = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      return %x : tensor<4xf32>
    }"""
    with pytest.raises(fairway.InvalidArgument, match="nothing to compare"):
        fairway.compile(text, verify=True)


def test_integers_must_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    class OffByOne(CpuTarget):
        def compile(self, module: str, request: Request, report: Callable[[str], None]) -> bytes:
            return super().compile(module.replace("arith.muli", "arith.addi"), request, report)

    class Product(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x * y

    args = (torch.tensor([1000, 3]), torch.tensor([1, 1]))
    fairway.compile(Product(), args, cache=False, verify=True)
    monkeypatch.setattr(targets, "get", lambda name: OffByOne())
    with pytest.raises(fairway.WrongResult):
        fairway.compile(Product(), args, cache=False, verify=True)
