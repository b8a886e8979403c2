# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The IR after every stage, on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fairway
from fairway.dumps import new_folder

torch = pytest.importorskip("torch")


def linear() -> tuple[Any, tuple[Any, ...]]:
    return torch.nn.Linear(4, 3).eval(), (torch.randn(2, 4),)


class Eigenvectors(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.linalg.eigh(x + 1)[1]


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.mlir"))


def test_dump_writes_every_stage_even_of_what_the_cache_has(tmp_path: Path) -> None:
    model, args = linear()
    fairway.compile(model, args)
    for number in ("000", "001"):
        fairway.compile(model, args, dump=tmp_path / "dumps")
        folder = tmp_path / "dumps" / number
        assert names(folder) == [
            "00-program.mlir",
            "01-graph.mlir",
            "02-kernel.mlir",
            "03-plan.mlir",
            "04-llvm.mlir",
            "import/00-read.mlir",
            "import/01-simplifying-torch-operations.mlir",
            "import/02-lowering-to-linalg.mlir",
        ]
        assert "torch." in (folder / "import" / "00-read.mlir").read_text()
        assert list((folder / "06-optimized").glob("*.ll"))
        assert os.access(folder / "reproduce", os.X_OK)


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("FAIRWAY_DUMP", str(tmp_path))
    fairway.compile(*linear())
    assert "00-program.mlir" in names(tmp_path / "000")


def test_what_cannot_be_lowered_leaves_what_was_read(tmp_path: Path) -> None:
    with pytest.raises(fairway.UnsupportedOp):
        fairway.compile(Eigenvectors().eval(), (torch.randn(3, 3),), dump=tmp_path)
    assert names(tmp_path / "000")[0] == "import/00-read.mlir"


def test_the_importer_is_run_alone(tmp_path: Path) -> None:
    with pytest.raises(fairway.UnsupportedOp, match="eigh"):
        fairway.compile(Eigenvectors().eval(), (torch.randn(3, 3),), dump=tmp_path / "fails")
    fairway.compile(*linear(), dump=tmp_path / "works")
    environment = {**os.environ, "PYTHON": sys.executable}
    for folder, code, said in (("fails", 1, "eigh"), ("works", 0, "linalg.")):
        script = tmp_path / folder / "000" / "import" / "reproduce"
        ended = subprocess.run(
            [script], env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == code
        assert said in ended.stdout + ended.stderr


def test_the_script_of_a_failed_stage_is_its_own(tmp_path: Path) -> None:
    text = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = func.call @elsewhere(%x) : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>"""
    with pytest.raises(fairway.Error):
        fairway.compile(text, dump=tmp_path)
    assert "stage 'verify'" in (tmp_path / "000" / "reproduce").read_text()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(fairway.InvalidArgument, match="there can be no dumps in .*file") as caught:
        fairway.compile(*linear(), dump=tmp_path / "file")
    assert "FAIRWAY_DUMP" in (caught.value.hint or "")


def test_folders_are_numbered(tmp_path: Path) -> None:
    assert new_folder(None) is None
    assert [new_folder(tmp_path), new_folder(tmp_path)] == [tmp_path / "000", tmp_path / "001"]
