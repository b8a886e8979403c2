# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line: what each command prints, writes and ends with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from fairway.cli import main
from fairway.cli.exits import ExitCode

COMMANDS = ("compile", "run", "bench", "inspect", "doctor", "targets", "tune", "cache")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def ok(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def ok_json(*arguments: object) -> Any:
    return json.loads(ok(*arguments, "--json"))


@pytest.fixture(scope="module")
def library(onnx_mlp: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "mlp.so"
    ok("compile", onnx_mlp, "-o", path, "--dim", "batch=2")
    return path


def test_compile_writes_library_and_header(library: Path) -> None:
    assert library.stat().st_size > 0
    assert "MLP_INPUT_X" in library.with_suffix(".h").read_text()


def test_compile_reports_json(onnx_mlp: Path, tmp_path: Path) -> None:
    report = ok_json("compile", onnx_mlp, "-o", tmp_path / "m.so", "--input-shape", "x=3x8")
    assert Path(report["library"]).stat().st_size == report["bytes"]
    assert Path(report["header"]).exists()
    assert report["kernels"] >= 1
    assert sum(report["stages"].values()) <= report["seconds"] + 0.01
    assert "writing the library" in report["stages"]
    facts = ok_json("inspect", tmp_path / "m.so")
    assert facts["inputs"][0]["shape"] == [3, 8]


def test_compile_verifies_an_onnx_model_on_random_inputs(onnx_mlp: Path, tmp_path: Path) -> None:
    report = ok_json(
        *("compile", onnx_mlp, "-o", tmp_path / "m.so", "--dim", "batch=2", "--verify"),
    )
    assert "comparing with the framework" in report["stages"]
    assert (tmp_path / "m.so").exists()


def test_compile_dumps_every_stage(onnx_mlp: Path, tmp_path: Path) -> None:
    ok(
        *("compile", onnx_mlp, "-o", tmp_path / "m.so", "--dim", "batch=2"),
        *("--dump", tmp_path / "dumps"),
    )
    assert (tmp_path / "dumps" / "000" / "04-llvm.mlir").exists()


def test_output_defaults_to_the_model_name(
    onnx_mlp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ok("compile", onnx_mlp, "--dim", "batch=1")
    assert (tmp_path / "mlp.so").exists()


def test_compile_from_a_python_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    (tmp_path / "zoo_for_test.py").write_text(
        "import torch\ndef small():\n"
        "    return torch.nn.Linear(4, 2).eval(), (torch.randn(1, 4),)\n"
        "def wrong():\n    return 1, 2, 3, 4\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    ok("compile", "zoo_for_test:small")
    assert (tmp_path / "small.so").exists()
    for name, message in (
        ("zoo_for_test:none", "no 'none'"),
        ("zoo_for_test:wrong", "tuple of 4"),
        ("zoo_for_tests:small", "no Python module"),
    ):
        result = call("compile", name)
        assert result.exit_code == ExitCode.INVALID_MODEL
        assert message in result.stderr


def test_run_writes_outputs(library: Path, tmp_path: Path, mlp_reference: Any) -> None:
    x = np.random.default_rng().standard_normal((2, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    ok("run", library, "--input", f"x={tmp_path / 'x.npy'}", "--output", tmp_path / "out")
    found = np.load(tmp_path / "out" / "y.npy")
    np.testing.assert_allclose(found, mlp_reference(x), rtol=1e-4, atol=1e-6)


def test_run_measures(library: Path) -> None:
    report = ok_json("run", library, "--random", "--repeat", 5, "--threads", 1)
    assert report["runs"] == 5
    assert report["threads"] == 1
    times = report["milliseconds"]
    assert 0 < times["min"] <= times["median"] <= times["max"]
    assert report["outputs"][0]["shape"] == [2, 3]


def test_inspect_shows_everything(library: Path) -> None:
    facts = ok_json("inspect", library)
    assert [spec["name"] for spec in facts["inputs"]] == ["x"]
    assert [spec["name"] for spec in facts["outputs"]] == ["y"]
    assert facts["bytes"] == library.stat().st_size
    assert facts["kernels"]
    assert facts["memory"]["weights"] >= (8 * 3 + 3) * 4
    text = ok("inspect", library, "--kernels")
    for part in ("x", "y", "float32", "[2, 8]", facts["kernels"][0]["name"], facts["version"]):
        assert part in text


def test_inspect_shows_the_plan(library: Path) -> None:
    plan = ok_json("inspect", library, "--plan")["plan"]
    assert plan["arena_bytes"] >= plan["live_bytes"]
    assert any(buffer["name"] == "y" for buffer in plan["steps"][-1]["buffers"])
    assert plan["steps"][0]["flops"] > 0
    text = ok("inspect", library, "--plan")
    for step in plan["steps"]:
        assert step["kernel"] in text
    assert "all workers meet" in text


def test_doctor_finds_no_problem() -> None:
    checks = {check["name"]: check for check in ok_json("doctor")["checks"]}
    assert not [check for check in checks.values() if check["status"] == "problem"]
    assert "cpu" in checks["targets"]["detail"]
    assert "onnx" in checks["importers"]["detail"]
    assert (Path(ok("doctor", "--include-dir").strip()) / "fairway/Runtime/runtime.h").exists()


def test_doctor_reports_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FAIRWAY_CACHE_DIR", str(tmp_path / "file" / "cache"))
    result = call("doctor")
    assert result.exit_code == ExitCode.MISSING_DEPENDENCY
    assert "FAIRWAY_CACHE_DIR" in result.stdout


def test_targets_lists_cpu() -> None:
    assert "cpu" in [target["name"] for target in ok_json("targets")]


def test_cache_info_and_clear(
    onnx_mlp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRWAY_CACHE_DIR", str(tmp_path / "cache"))
    ok("compile", onnx_mlp, "-o", tmp_path / "m.so", "--dim", "batch=1")
    assert ok_json("cache", "info")["entries"] == 1
    assert ok_json("cache", "clear")["removed"] == 1
    assert ok_json("cache", "info")["entries"] == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str) -> None:
    text = ok(command, "--help")
    assert "Examples:" in text
    assert f"fairway {command}" in text


def test_main_help_lists_commands_and_exit_codes() -> None:
    text = ok("--help")
    assert all(command in text for command in COMMANDS)
    assert "Exit codes" in text


def failures(library: Path, folder: Path) -> dict[str, tuple[ExitCode, list[object]]]:
    np.save(folder / "short.npy", np.zeros((2, 7), np.float32))
    np.save(folder / "good.npy", np.zeros((2, 8), np.float32))
    (folder / "text.npy").write_text("hello")
    (folder / "text.onnx").write_text("hello")
    (folder / "text.so").write_text("hello")
    return {
        "no model file": (ExitCode.INVALID_MODEL, ["compile", folder / "none.onnx"]),
        "no onnx file": (ExitCode.INVALID_MODEL, ["compile", folder / "text.onnx"]),
        "no library": (ExitCode.ARTEFACT, ["run", folder / "none.so"]),
        "damaged library": (ExitCode.ARTEFACT, ["inspect", folder / "text.so"]),
        "missing input": (ExitCode.INVALID_INPUT, ["run", library]),
        "unknown input": (
            ExitCode.INVALID_INPUT,
            ["run", library, "-i", f"z={folder / 'good.npy'}"],
        ),
        "wrong shape": (
            ExitCode.INVALID_INPUT,
            ["run", library, "-i", f"x={folder / 'short.npy'}"],
        ),
        "no such file": (ExitCode.INVALID_INPUT, ["run", library, "-i", "x=none.npy"]),
        "no numpy file": (
            ExitCode.INVALID_INPUT,
            ["run", library, "-i", f"x={folder / 'text.npy'}"],
        ),
        "unknown option": (ExitCode.USAGE, ["run", library, "--fast"]),
        "bad dimension": (ExitCode.USAGE, ["compile", "m.onnx", "--dim", "batch"]),
        "bad size": (ExitCode.USAGE, ["compile", "m.onnx", "--dim", "batch=two"]),
        "unknown command": (ExitCode.USAGE, ["compil"]),
    }


def test_failures_end_with_their_code_and_a_short_message(library: Path, tmp_path: Path) -> None:
    for name, (code, arguments) in failures(library, tmp_path).items():
        result = call(*arguments)
        assert result.exit_code == code, f"{name}: {result.output}"
        assert "Traceback" not in result.output, name
        assert 0 < len(result.stderr.splitlines()) <= 25, name


def test_error_as_json(tmp_path: Path) -> None:
    result = call("inspect", tmp_path / "none.so", "--json")
    assert result.exit_code == ExitCode.ARTEFACT
    error = json.loads(result.stdout)["error"]
    assert error["kind"] == "ArtifactError"
    assert "does not exist" in error["message"]


def test_unsupported_op_has_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    (tmp_path / "exp_for_test.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n        return torch.linalg.matrix_exp(x)\n"
        "def build():\n    return Net(), (torch.randn(3, 3),)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    result = call("compile", "exp_for_test:build", "-o", tmp_path / "m.so")
    assert result.exit_code == ExitCode.UNSUPPORTED_OP, result.output
    assert "matrix_exp" in result.stderr


def test_every_error_class_has_a_code() -> None:
    from fairway import errors
    from fairway.cli.exits import exit_code

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    members = [
        kind for kind in kinds if issubclass(kind, errors.Error) and kind is not errors.Error
    ]
    assert len(members) >= 8
    for kind in members:
        code = exit_code(kind("message"))
        assert (code == ExitCode.INTERNAL) == issubclass(kind, errors.CompilationError)


def test_process_ends_with_the_code_and_shows_a_traceback_only_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fairway"]
    missing = str(tmp_path / "none.so")
    short = subprocess.run([*command, "inspect", missing], capture_output=True, text=True)
    assert short.returncode == ExitCode.ARTEFACT
    assert "Traceback" not in short.stderr
    assert "error:" in short.stderr
    long = subprocess.run(
        [*command, "--traceback", "inspect", missing], capture_output=True, text=True
    )
    assert "Traceback" in long.stderr
    assert long.returncode != 0


def test_progress_stays_silent_for_quick_commands(library: Path) -> None:
    result = call("inspect", library)
    assert result.stderr == ""


def test_progress_shows_stages_after_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import time

    from fairway.cli import progress

    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.05)
    with progress.Stages() as stages:
        stages("first stage")
        time.sleep(0.2)
        stages("second stage")
    shown = capsys.readouterr().err
    assert "first stage" in shown
    assert "second stage" in shown


def test_commands_are_those_documented() -> None:
    context = click.Context(main)
    assert isinstance(main, click.Group)
    assert set(main.list_commands(context)) == set(COMMANDS)
