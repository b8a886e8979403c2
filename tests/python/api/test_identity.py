# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds that may give other code are told apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import fairway
from fairway.identity import build_identity, library_identity
from fairway.mlir import _mlir_libs


def library() -> Path:
    (found,) = Path(next(iter(_mlir_libs.__path__))).glob("lib*CAPI.so")
    return found


def test_build_has_one_identity() -> None:
    assert len(build_identity()) == 64
    assert build_identity() == build_identity()


def test_library_is_told_by_its_build_id_wherever_it_is(tmp_path: Path) -> None:
    copy = tmp_path / "copy.so"
    with library().open("rb") as file:
        copy.write_bytes(file.read(1 << 16))
    assert library_identity(copy) == library_identity(library())
    assert len(library_identity(copy)) == 40


def test_library_without_a_build_id_is_told_by_its_bytes(tmp_path: Path) -> None:
    for name, data in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(data)
    found = {name: library_identity(tmp_path / name) for name in "abc"}
    assert found["a"] == found["c"] != found["b"]


def test_changed_source_is_another_build(tmp_path: Path, monkeypatch) -> None:
    package = tmp_path / "fairway"
    shutil.copytree(Path(fairway.__file__).parent / "ingest", package / "ingest")
    monkeypatch.setattr("fairway.identity._PACKAGE", package)
    before = build_identity.__wrapped__()
    with (package / "ingest" / "torch_decompositions.py").open("a") as file:
        file.write("\n")
    assert build_identity.__wrapped__() != before
