# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""MLIR modules go in as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.errors import InvalidArgument, InvalidModel, UnsupportedOp
from fairway.ingest import load

TEXT = """
func.func @main(%x: tensor<3x4xf32>,
                %w: tensor<4x4xi8> {fairway.name = "w", fairway.kind = "parameter",
                                    fairway.dtype = "uint8"}) -> tensor<3x4xf32> {
  return %x : tensor<3x4xf32>
}
"""


@pytest.mark.parametrize("source", ["text", "path"])
def test_signature_comes_from_the_text(source: str, tmp_path: Path) -> None:
    path = tmp_path / "m.mlir"
    path.write_text(TEXT)
    program = load(TEXT if source == "text" else path)
    assert [(s.name, s.dtype, s.shape) for s in program.inputs] == [("arg0", "float32", (3, 4))]
    assert [(s.name, s.kind, s.dtype) for s in program.parameters] == [("w", "parameter", "uint8")]
    assert [(s.name, s.dtype) for s in program.outputs] == [("output0", "float32")]
    assert 'fairway.name = "arg0"' in program.module
    assert program.framework == "mlir"
    assert program.tree.unflatten([7]) == 7


def test_a_single_function_of_another_name_is_the_entry() -> None:
    program = load("func.func @forward(%x: tensor<2xi1>) -> tensor<2xi1> {return %x: tensor<2xi1>}")
    assert "@main" in program.module
    assert program.inputs[0].dtype == "bool"


def test_syntax_error_names_the_line() -> None:
    with pytest.raises(InvalidModel, match="cannot be read") as caught:
        load("func.func @main() {\n  nonsense\n}")
    assert "line 2" in (caught.value.where or "")


def test_foreign_dialect() -> None:
    text = """func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = tosa.abs %x : (tensor<2xf32>) -> tensor<2xf32>
      return %y : tensor<2xf32>
    }"""
    with pytest.raises(UnsupportedOp, match=r"tosa\.abs") as caught:
        load(text)
    assert "line 2" in (caught.value.where or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("func.func @a() {return}\nfunc.func @b() {return}", "no function @main"),
        ("func.func @main(%x: index) {\nreturn}", "no ranked tensor"),
        ("func.func @main(%x: tensor<2xi7>) {\nreturn}", "element type i7"),
    ],
)
def test_refuses_what_is_no_entry(text: str, message: str) -> None:
    with pytest.raises(InvalidModel, match=message):
        load(text)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="there is no file"):
        load(tmp_path / "m.mlir")


def test_dims_make_no_sense() -> None:
    with pytest.raises(InvalidArgument):
        load(TEXT, dims={"arg0": {0: "batch"}})


def test_sizes_must_be_fixed() -> None:
    with pytest.raises(InvalidModel, match="'arg0' has a size that is not fixed"):
        load(TEXT.replace("tensor<3x4xf32>", "tensor<?x4xf32>"))
