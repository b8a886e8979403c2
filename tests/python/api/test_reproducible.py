# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One model gives one file, to the last bit, however it was compiled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import fairway

COMPILE_ONNX = """
import fairway, sys
cache = sys.argv[3] != "off"
fairway.compile(sys.argv[1], dims={"batch": 4}, threads=2, cache=cache).save(sys.argv[2])
"""

COMPILE_TORCH = """
import fairway, sys, torch
torch.manual_seed(0)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Sequential(
            torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.BatchNorm2d(16), torch.nn.ReLU(),
            torch.nn.Conv2d(16, 32, 3, stride=2, padding=1), torch.nn.GELU(),
        )
        self.block = torch.nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.head = torch.nn.Linear(32, 10)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        return torch.softmax(self.head(self.block(x).mean(1)), -1)

model, x = Net().eval(), torch.zeros(2, 3, 16, 16)
fairway.compile(model, (x,), threads=2, cache=sys.argv[3] != "off").save(sys.argv[2])
"""


@dataclass(frozen=True)
class Run:
    """How a process compiles: on which CPUs, with which order of sets, with the cache or not."""

    name: str
    seed: str
    cpus: int
    cache: str


# The second fills the cache, the third finds the model in it.
RUNS = (
    Run("plain", "1", 0, "off"),
    Run("one-cpu", "2", 1, "on"),
    Run("cached", "3", 0, "on"),
    Run("uncached-one-cpu", "4", 1, "off"),
)


def _compile(run: Run, script: str, model: Path | None, folder: Path) -> Path:
    """Compiles in a process and a folder of its own."""
    place = folder / run.name
    place.mkdir()
    given = "-"
    if model is not None:
        given = str(shutil.copy(model, place / f"{run.name}.onnx"))
    output = place / "model.so"
    cpus = sorted(os.sched_getaffinity(0))
    chosen = set(cpus[: run.cpus]) if run.cpus else set(cpus)
    bound = f"import os; os.sched_setaffinity(0, {chosen})\n{script}"
    done = subprocess.run(
        [sys.executable, "-c", bound, given, output, run.cache],
        env={
            **os.environ,
            "PYTHONHASHSEED": run.seed,
            "FAIRWAY_CACHE_DIR": str(folder / "cache"),
        },
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return output


def _first_difference(a: bytes, b: bytes) -> str:
    place = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"{len(a)} and {len(b)} bytes, different from byte {place} on"


@pytest.mark.parametrize("framework", ["onnx", "torch"])
def test_same_model_gives_the_same_bytes(framework: str, onnx_mlp: Path, tmp_path: Path) -> None:
    pytest.importorskip(framework)
    script, model = (COMPILE_ONNX, onnx_mlp) if framework == "onnx" else (COMPILE_TORCH, None)
    first, *others = (_compile(run, script, model, tmp_path).read_bytes() for run in RUNS)
    for run, other in zip(RUNS[1:], others):
        assert other == first, f"{RUNS[0].name} and {run.name}: {_first_difference(first, other)}"


def test_another_model_gives_other_bytes(onnx_mlp: Path, tmp_path: Path) -> None:
    """What the other tests compare is not blind to what the model computes."""
    onnx = pytest.importorskip("onnx")
    fairway.compile(onnx_mlp, dims={"batch": 4}, threads=2).save(tmp_path / "a.so")
    model = onnx.load(onnx_mlp)
    model.graph.node[2].attribute[0].i = 0  # the softmax's axis
    fairway.compile(model, dims={"batch": 4}, threads=2).save(tmp_path / "b.so")
    assert (tmp_path / "a.so").read_bytes() != (tmp_path / "b.so").read_bytes()
