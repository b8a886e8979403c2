# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models and calls that cannot work: each error says what, where and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairway

torch = pytest.importorskip("torch")


class Inner(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.linalg.eigh(x)[1]  # the line that the message must name


class Outer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()

    def forward(self, x: Any) -> Any:
        return self.inner(x * 2)


def test_unsupported_op_names_op_module_and_line() -> None:
    with pytest.raises(fairway.UnsupportedOp) as caught:
        fairway.compile(Outer().eval(), (torch.randn(3, 3),))
    text = str(caught.value)
    assert "eig" in text
    assert "inner" in text
    line = next(
        number
        for number, source in enumerate(Path(__file__).read_text().splitlines(), start=1)
        if "the line that the message must name" in source
    )
    assert f"{Path(__file__).name}:{line}" in text
    assert caught.value.hint


class Noisy(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return x + torch.rand(3)


def test_random_numbers_are_refused() -> None:
    with pytest.raises(fairway.UnsupportedOp, match="random") as caught:
        fairway.compile(Noisy().eval(), (torch.randn(3),))
    assert caught.value.hint


def test_file_of_an_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("hello")
    with pytest.raises(fairway.InvalidModel, match=r"model\.txt"):
        fairway.compile(tmp_path / "model.txt")


class Branch(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return x + 1 if x.sum() > 0 else x - 1


def test_control_flow_on_values_is_refused() -> None:
    with pytest.raises(fairway.InvalidModel, match="control flow") as caught:
        fairway.compile(Branch().eval(), (torch.randn(3),))
    assert caught.value.hint


@pytest.mark.parametrize("name", ["missing.onnx", "missing.pt2", "missing.mlir"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(fairway.InvalidModel, match=name):
        fairway.compile(tmp_path / name)


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(fairway.InvalidModel):
        fairway.compile(tmp_path / "model.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + b"\xff" * 100])
def test_file_that_is_no_onnx_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(fairway.InvalidModel, match=r"bad\.onnx"):
        fairway.compile(path)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_truncated_onnx_file(tmp_path: Path, onnx_mlp: Path, part: float) -> None:
    data = onnx_mlp.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(fairway.InvalidModel, match=r"cut\.onnx"):
        fairway.compile(path, dims={"batch": 1})


def test_damaged_pt2_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.pt2"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(fairway.InvalidModel, match=r"bad\.pt2"):
        fairway.compile(path)


def test_something_that_is_no_model() -> None:
    with pytest.raises(fairway.Error):
        fairway.compile(42)


def test_argument_that_is_not_in_a_tuple() -> None:
    with pytest.raises(fairway.InvalidArgument, match="args is a Tensor") as caught:
        fairway.compile(torch.nn.Linear(4, 3), torch.randn(2, 4))
    assert "(x,)" in str(caught.value)


def test_keyword_arguments_that_are_no_dict() -> None:
    with pytest.raises(fairway.InvalidArgument, match="kwargs is a tuple"):
        fairway.compile(torch.nn.Linear(4, 3), (), (torch.randn(2, 4),))


@pytest.mark.parametrize("args", [(), (torch.randn(2, 5),), (1, 2, 3)])
def test_examples_that_do_not_fit_the_model(args: Any) -> None:
    with pytest.raises(fairway.Error) as caught:
        fairway.compile(torch.nn.Linear(4, 3).eval(), args)
    assert not isinstance(caught.value, fairway.CompilationError)


def test_class_instead_of_a_model() -> None:
    with pytest.raises(fairway.Error) as caught:
        fairway.compile(torch.nn.Linear, (torch.randn(2, 4),))
    assert not isinstance(caught.value, fairway.CompilationError)


def test_dimension_that_the_model_lacks(onnx_mlp: Path) -> None:
    with pytest.raises(fairway.InvalidArgument, match="'bach'"):
        fairway.compile(onnx_mlp, dims={"bach": 1, "batch": 1})


def without(module: str, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in a process where `module` is not installed."""
    block = f"import sys; sys.modules[{module!r}] = None\n"
    return subprocess.run([sys.executable, "-c", block + script], capture_output=True, text=True)


CATCH = """
import fairway
try:
    fairway.compile({path!r})
except fairway.MissingDependency as error:
    print(error)
"""


def test_no_torch_when_it_is_needed(tmp_path: Path) -> None:
    torch.export.save(
        torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),)), tmp_path / "m.pt2"
    )
    result = without("torch", CATCH.format(path=str(tmp_path / "m.pt2")))
    assert "pip install torch" in result.stdout, result.stderr


def test_no_onnx_when_it_is_needed(onnx_mlp: Path) -> None:
    result = without("onnx", CATCH.format(path=str(onnx_mlp)))
    assert "pip install onnx" in result.stdout, result.stderr


def test_onnx_needs_no_torch(onnx_mlp: Path) -> None:
    script = (
        "import fairway, numpy\n"
        f"exe = fairway.compile({str(onnx_mlp)!r}, dims={{'batch': 1}})\n"
        "print(exe(numpy.ones((1, 8), numpy.float32)).shape)"
    )
    result = without("torch", script)
    assert result.stdout.strip() == "(1, 3)", result.stderr


@pytest.fixture(scope="module")
def pair() -> Any:
    class Pair(torch.nn.Module):
        def forward(self, left: Any, right: Any) -> Any:
            return left + right

    return fairway.compile(Pair(), (torch.zeros(2, 3), torch.zeros(2, 3)))


LEFT = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((LEFT,), {}, "'right' is missing"),
        ((LEFT, LEFT, LEFT), {}, "2 arguments, not 3"),
        ((LEFT,), {"rihgt": LEFT}, "right' is missing|'rihgt' is not an input"),
        ((LEFT, LEFT[:1]), {}, r"'right' has shape \[1, 3\], not \[2, 3\]"),
        ((LEFT, LEFT.astype(int)), {}, "'right' has dtype int64, not float32"),
        ((LEFT, LEFT[0]), {}, "'right' has 1 dimension"),
        ((LEFT, None), {}, "right must be a tensor, not NoneType"),
        ((LEFT, [LEFT]), {}, "right must be a tensor"),
        ((LEFT, torch.zeros(2, 3, device="meta")), {}, "'right' is on device meta"),
    ],
)
def test_call_that_does_not_fit(pair: Any, args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(fairway.InvalidArgument, match=message):
        pair(*args, **kwargs)
