# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Comparisons: what is measured, what is reported, what is refused. No time is asserted."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairway import InvalidArgument, InvalidModel, UnsupportedOp
from fairway.bench import Settings, compare, contenders
from fairway.bench.process import Worker, WorkerFailure

QUICK = Settings(seconds=0.0, repeats=4, rounds=2)


def test_torch_module_against_torch() -> None:
    torch = pytest.importorskip("torch")

    class Pair(torch.nn.Module):  # not importable from another process
        def forward(self, x: Any, scale: Any) -> dict[str, Any]:
            return {"sum": (x * scale).sum(-1), "soft": torch.softmax(x, -1)}

    x, scale = torch.randn(3, 7), torch.randn(7)
    found = compare(Pair(), (x,), {"scale": scale}, against=["torch"], threads=1, settings=QUICK)
    assert found.reference == "PyTorch in float64"
    assert [outcome.name for outcome in found.outcomes] == ["fairway", "torch"]
    for outcome in found.outcomes:
        assert outcome.correct
        assert outcome.times is not None and outcome.times.runs == 4
        assert len(outcome.round_medians) == 2
        assert outcome.peak_bytes
    assert found.speedup() == found.outcomes[1].times.median / found.fairway.times.median
    assert "PyTorch" in found.table()


def test_onnx_against_onnxruntime(onnx_mlp: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = compare(
        onnx_mlp.read_bytes(),
        against=["torch", "onnxruntime"],
        threads=1,
        dims={"batch": 3},
        settings=QUICK,
    )
    torch_outcome, runtime = found.outcomes[1:]
    assert torch_outcome.times is None
    assert torch_outcome.reason == "runs only PyTorch models"
    assert runtime.correct and found.fairway.correct
    assert found.reference == "ONNX Runtime in float64"
    assert found.best_peer() == runtime


def test_mlir_has_no_reference_and_no_peer(tmp_path: Path) -> None:
    path = tmp_path / "double.mlir"
    path.write_text(
        "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
        "  %e = tensor.empty() : tensor<4xf32>\n"
        "  %y = linalg.add ins(%x, %x : tensor<4xf32>, tensor<4xf32>)"
        " outs(%e : tensor<4xf32>) -> tensor<4xf32>\n"
        "  return %y : tensor<4xf32>\n}\n"
    )
    found = compare(path, threads=1, settings=QUICK, profile=True)
    assert found.reference is None and found.fairway.correct is None
    assert found.fairway.times is not None
    assert found.best_peer() is None and found.speedup() is None
    assert len(found.outcomes) == 1 + len(contenders.PEERS)
    assert all(outcome.reason for outcome in found.outcomes[1:])
    assert found.profile is not None
    assert sum(kernel.calls for kernel in found.profile.kernels) >= 1
    assert found.profile.peaks.flops > 0 and found.profile.peaks.memory > 0
    assert "not measured" in found.table()


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        ("missing.onnx", InvalidArgument, "does not exist"),
        ("model.tflite", InvalidArgument, "no model that can be measured"),
        (3, InvalidArgument, "a int is no model"),
        (b"no onnx", InvalidModel, "onnx|ONNX"),
    ],
)
def test_refuses_what_is_no_model(model: Any, error: type[Exception], text: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(error, match=text):
        compare(model, against=[], settings=QUICK)


def test_refuses_an_unknown_peer() -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'onnxruntime'"):
        compare("model.onnx", against=["onnxruntim"])


def test_errors_of_fairway_come_out_as_they_are() -> None:
    torch = pytest.importorskip("torch")

    class Random(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x + torch.rand_like(x)

    with pytest.raises(UnsupportedOp):
        compare(Random(), (torch.ones(3),), against=[], threads=1, settings=QUICK)


def test_a_dead_worker_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with Worker(tmp_path / "log") as worker:
        with pytest.raises(WorkerFailure, match="no attribute 'nonsense'"):
            worker.call("nonsense")
        os.kill(worker.process_id, signal.SIGKILL)
        with pytest.raises(WorkerFailure, match="SIGKILL"):
            worker.call("peak_bytes")


def test_a_worker_is_stopped_between_requests(tmp_path: Path) -> None:
    with Worker(tmp_path / "log") as worker:
        worker.call("peak_bytes")
        status = Path(f"/proc/{worker.process_id}/stat")
        deadline = time.monotonic() + 10
        while _state(status) != "T" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _state(status) == "T"
        assert worker.call("peak_bytes") > 0


def test_the_peak_probe_computes_what_it_says() -> None:
    import fairway
    from fairway.bench import probes

    x = np.random.default_rng().uniform(-1, 1, 100).astype(np.float32)
    found = fairway.compile(probes.fma_program(100), threads=1)(x)
    totals = [x.astype(np.float64)] * 4
    for chain in range(24):
        value = x.astype(np.float64)
        for link in range(8):
            value = value * (chain + 0.5 if link == 0 else 0.9) + 0.1
        totals[chain % 4] = value * 0.9 + totals[chain % 4]
    np.testing.assert_allclose(found, sum(totals), rtol=1e-4, atol=1e-4)


def _state(status: Path) -> str:
    return status.read_text().rpartition(")")[2].split()[0]
