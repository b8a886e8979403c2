# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A C program with only the model's header and the runtime runs a saved ResNet-50."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairway
from fairway import doctor

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "conformance"))


class Classifier(torch.nn.Module):
    """Names the input and the output as the C program expects."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Any) -> Any:
        return {"scores": self.model(image)}


def test_c_program_runs_resnet50(tmp_path: Path) -> None:
    from models.architectures import ARCHITECTURES

    net = ARCHITECTURES["resnet50"]
    model, inputs = Classifier(net.build()).eval(), net.inputs(1)
    executable = fairway.compile(model, inputs)
    assert [spec.name for spec in executable.outputs] == ["scores"]
    executable.save(tmp_path / "resnet50.so")
    inputs[0].numpy().tofile(tmp_path / "image.raw")
    lib = doctor.runtime_folder()
    subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I.", f"-I{doctor.include_folder()}",
         str(TESTS / "c" / "run_resnet50.c"), str(lib / "libfairway_runtime.so"),
         f"-Wl,-rpath,{lib}", "-o", "run_resnet50"],
        cwd=tmp_path,
        check=True,
    )  # fmt: skip
    subprocess.run(["./run_resnet50", "image.raw", "scores.raw"], cwd=tmp_path, check=True)
    with torch.inference_mode():
        expected = model(*inputs)["scores"].numpy()
    found = np.fromfile(tmp_path / "scores.raw", np.float32).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max(), rtol=0)
