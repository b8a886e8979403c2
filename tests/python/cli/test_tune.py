# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway tune` and what belongs to it on the command line."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fairway.cli import main
from fairway.cli.exits import ExitCode
from fairway.tuning import Database, Record, session
from fairway.tuning.measuring import Paired


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def ok_json(*arguments: object) -> Any:
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on a time, so none waits for a benchmark that runs beside it."""
    monkeypatch.setattr(session, "exclusive", contextlib.nullcontext)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tuning.sqlite3"


@pytest.fixture
def filled(file: Path) -> Path:
    Database(file).add(
        Record("s", str(i), "tile = [4, 0], rows = 4", "matmul_0", "net.onnx", "znver3", 2,
               "rows = 6", 2e-3, 1e-3, 0.5, 0.1, 9, confirmed=i == 0, created=0.0)
        for i in range(2)
    )  # fmt: skip
    return file


def test_measures_and_reports(onnx_mlp: Path, file: Path) -> None:
    arguments = ("tune", onnx_mlp, "--dim", "batch=512", "--threads", 1, "--tuning", file)
    report = ok_json(*arguments, "--budget", 20, "--variants", 1, "--runs", 2)
    assert report["threads"] == 1
    assert report["kernels"]
    assert report["database"] == str(file)
    assert report["kept"] == bool(Database(file).records())


def test_shows_a_table_and_the_verdict(
    onnx_mlp: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(first: Any, second: Any, *_: object) -> dict[str, Paired]:
        pairs = zip(first.steps, second.steps, strict=True)
        ratios = {a.name: 1.0 if a.config == b.config else 0.75 for a, b in pairs}
        return {name: Paired(4e-3, 3e-3, ratio, 0.0, 9) for name, ratio in ratios.items()}

    monkeypatch.setattr(session, "profile_pairs", compare)
    monkeypatch.setattr(session, "run_pairs", lambda *_: Paired(2e-3, 1e-3, 0.5, 0.1, 9))
    result = call("tune", onnx_mlp, "--dim", "batch=512", "--tuning", file, "--variants", 1)
    assert result.exit_code == 0, result.output
    assert "25 %" in result.stdout
    assert "1.000 ms instead of 2.000, 0.500 times the time (± 0.100): kept in" in result.stdout
    listed = ok_json("tune", "--list", "--tuning", file)
    assert {record["model"] for record in listed} == {"mlp.onnx"}
    assert all(record["config"] in result.stdout for record in listed)


def test_compile_takes_and_refuses_tuning_results(
    onnx_mlp: Path, file: Path, tmp_path: Path
) -> None:
    file.write_bytes(b"damaged, " * 200)
    common = ("compile", onnx_mlp, "--dim", "batch=1", "-o", tmp_path / "m.so")
    with pytest.warns(UserWarning, match="the tuning database cannot be used"):
        assert call(*common, "--tuning", file).exit_code == 0
    assert call(*common, "--no-tuning").exit_code == 0


def test_lists(filled: Path) -> None:
    text = call("tune", "--list", "--tuning", filled).stdout
    assert "2 kernels" in text
    assert "50 %" in text
    assert "tile = [4, 0], rows = 4" in text
    assert text.count("not confirmed") == 1
    assert len(ok_json("tune", "--list", "--tuning", filled)) == 2


def test_clears(filled: Path) -> None:
    assert ok_json("tune", "--clear", "--tuning", filled)["removed"] == 2
    assert "0 kernels" in call("tune", "--list", "--tuning", filled).stdout
    assert "removed 0 kernels" in call("tune", "--clear", "--tuning", filled).stdout


@pytest.mark.parametrize("arguments", [(), ("--list", "--clear"), ("model.onnx", "--list")])
def test_wants_one_thing_to_do(arguments: tuple[str, ...]) -> None:
    result = call("tune", *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert "give a MODEL, or --list, or --clear" in result.stderr


def test_damaged_database_is_an_error_of_its_own(onnx_mlp: Path, file: Path) -> None:
    file.write_bytes(b"damaged, " * 200)
    for arguments in (("--list",), ("--clear",), (onnx_mlp, "--dim", "batch=1")):
        result = call("tune", *arguments, "--tuning", file)
        assert result.exit_code == ExitCode.CACHE
        assert "the tuning database cannot be used" in result.stderr
