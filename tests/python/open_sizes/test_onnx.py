# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models whose named dimensions stay open, against ONNX Runtime."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("fairway.compiler", exc_type=ImportError)
from click.testing import CliRunner  # noqa: E402

import fairway  # noqa: E402
from fairway.cli import main  # noqa: E402


def expected(model: Path, x: Any) -> Any:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def draw(batch: int) -> Any:
    return np.random.default_rng().standard_normal((batch, 8)).astype(np.float32)


def test_a_named_dimension_stays_open(onnx_mlp: Path) -> None:
    executable = fairway.compile(onnx_mlp, dims={"batch": fairway.Dim("batch", 1, 300)})
    assert executable.sizes == {"batch": (1, 300)}
    for batch in [1, 2, 3, 16, 300, *random.sample(range(4, 300), 5)]:
        x = draw(batch)
        np.testing.assert_allclose(executable(x), expected(onnx_mlp, x), rtol=1e-4, atol=1e-6)
    with pytest.raises(fairway.InvalidArgument, match=r"301.*'batch'.*1 to 300"):
        executable(draw(301))


def test_the_shell_leaves_a_dimension_open(onnx_mlp: Path, tmp_path: Path) -> None:
    saved, given, results = (tmp_path / name for name in ("m.so", "x.npy", "results"))
    made = CliRunner().invoke(
        main, ["compile", str(onnx_mlp), "-o", str(saved), "--dim", "batch=1:64"]
    )
    assert made.exit_code == 0, made.output
    x = draw(19)
    np.save(given, x)
    ran = CliRunner().invoke(
        main, ["run", str(saved), "--input", f"x={given}", "--output", str(results)]
    )
    assert ran.exit_code == 0, ran.output
    (file,) = results.iterdir()
    np.testing.assert_allclose(np.load(file), expected(onnx_mlp, x), rtol=1e-4, atol=1e-6)
