# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway bench`: options, output, files and exit codes. No time is asserted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fairway.cli import main
from fairway.cli.exits import ExitCode

QUICK = ("--threads", "1", "--seconds", "0", "--repeats", "3", "--rounds", "1")


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments), *QUICK])


def test_prints_a_table_and_writes_json(onnx_mlp: Path, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    result = bench(onnx_mlp, "--batch", 2, "--against", "torch,onnxruntime", "--json", file)
    assert result.exit_code == 0, result.output
    assert "Fairway" in result.stdout
    assert "torch: not measured: runs only PyTorch models" in result.stdout
    report = json.loads(file.read_text())
    assert report["threads"] == 1
    assert report["machine"]["processor"] and report["machine"]["cores"] >= 1
    names = [outcome["name"] for outcome in report["outcomes"]]
    assert names == ["fairway", "torch", "onnxruntime"]
    assert report["outcomes"][0]["times"]["runs"] == 3


def test_json_on_standard_output_is_all_of_it(onnx_mlp: Path) -> None:
    result = bench(onnx_mlp, "--dim", "batch=2", "--against", "", "--json", "-")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["outcomes"]) == 1


def test_profile_lists_kernels_of_a_saved_model(onnx_mlp: Path, tmp_path: Path) -> None:
    library = tmp_path / "mlp.so"
    done = CliRunner().invoke(
        main, ["compile", str(onnx_mlp), "-o", str(library), "--dim", "batch=2"]
    )
    assert done.exit_code == 0, done.output
    result = bench(library, "--profile")
    assert result.exit_code == 0, result.output
    assert "GFLOP/s" in result.stdout and "measured peaks" in result.stdout
    assert "onnxruntime: not measured" in result.stdout


def test_python_function_gets_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    (tmp_path / "zoo_for_bench.py").write_text(
        "import torch\ndef small(batch):\n"
        "    return torch.nn.Linear(4, 2).eval(), (torch.randn(batch, 4),)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = bench("zoo_for_bench:small", "--batch", 5, "--against", "torch", "--json", "-")
    assert result.exit_code == 0, result.output
    assert [o["correct"] for o in json.loads(result.stdout)["outcomes"]] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--against", "tvm"], ExitCode.INVALID_INPUT, "there is no peer 'tvm'"),
        (["--dim", "batch=0"], ExitCode.USAGE, "not a positive whole number"),
        (["--chart", "chart.txt"], ExitCode.INVALID_INPUT, "cannot be written"),
    ],
)
def test_refuses_wrong_options(
    onnx_mlp: Path, arguments: list[str], code: ExitCode, message: str
) -> None:
    result = bench(onnx_mlp, *arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr


def test_refuses_a_batch_for_fixed_shapes(tmp_path: Path) -> None:
    (tmp_path / "model.so").touch()
    result = bench(tmp_path / "model.so", "--batch", 2)
    assert result.exit_code == ExitCode.USAGE
    assert "fixed" in result.stderr


def test_charts_need_matplotlib(
    onnx_mlp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = bench(onnx_mlp, "--chart", tmp_path / "chart.svg")
    assert result.exit_code == ExitCode.MISSING_DEPENDENCY
    assert "fairway[bench]" in result.stderr


def test_draws_charts(onnx_mlp: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bars, roofline = tmp_path / "bars.svg", tmp_path / "roofline.png"
    result = bench(onnx_mlp, "--batch", 2, "--against", "", "--chart", bars, "--roofline", roofline)
    assert result.exit_code == 0, result.output
    assert "<svg" in bars.read_text()
    assert roofline.read_bytes().startswith(b"\x89PNG")


def test_realtime_without_permission_says_what_to_do(
    onnx_mlp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    result = bench(onnx_mlp, "--batch", 2, "--realtime")
    assert result.exit_code == ExitCode.INVALID_INPUT
    assert "rtprio" in result.stderr
