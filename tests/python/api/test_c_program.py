# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A C program with only the header and the runtime runs a saved ResNet-50."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fairway
import numpy as np
import pytest
from fairway import doctor

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

SOURCE = Path(__file__).resolve().parents[2] / "c" / "run_model.c"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance"))


def test_c_program_runs_resnet50(tmp_path: Path) -> None:
    from models.architectures import ARCHITECTURES

    net = ARCHITECTURES["resnet50"]
    model, inputs = net.build(), net.inputs(1)
    fairway.compile(model, inputs).save(tmp_path / "resnet50.so")
    inputs[0].numpy().tofile(tmp_path / "input.bin")
    lib = doctor.runtime_folder()
    (library,) = [f for f in lib.iterdir() if f.name.startswith("libfairway_runtime.so")][:1]
    subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{doctor.include_folder()}",
         str(SOURCE), str(library), f"-Wl,-rpath,{lib}", "-o", "run_model"],
        cwd=tmp_path,
        check=True,
    )  # fmt: skip
    subprocess.run(
        ["./run_model", "./resnet50.so", "input.bin", "output.bin"], cwd=tmp_path, check=True
    )
    with torch.inference_mode():
        expected = model(*inputs).numpy()
    found = np.fromfile(tmp_path / "output.bin", np.float32).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
