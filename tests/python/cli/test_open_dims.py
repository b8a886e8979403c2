# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`--dim` with ranges: sizes of an ONNX model that stay open."""

from __future__ import annotations

import random
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

pytest.importorskip("fairway.compiler", exc_type=ImportError)
import fairway  # noqa: E402
from fairway.cli import main  # noqa: E402
from fairway.cli.options import open_dims  # noqa: E402


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", 4),
        ("2:64", fairway.Dim("n", 2, 64)),
        ("0:", fairway.Dim("n", 0)),
        (":9", fairway.Dim("n", 1, 9)),
        (":", fairway.Dim("n")),
    ],
)
def test_sizes_and_ranges(text: str, expected: object) -> None:
    assert open_dims([f"n={text}", "m=3"]) == {"n": expected, "m": 3}


@pytest.mark.parametrize("text", ["0", "x", "1:x", "-1:4", "5:3", "1:2:3"])
def test_refuses_what_is_neither(text: str) -> None:
    with pytest.raises(click.BadParameter, match="'n'"):
        open_dims([f"n={text}"])


def test_compiles_for_a_range(onnx_mlp: Path, tmp_path: Path) -> None:
    low, high = random.randint(1, 5), random.randint(300, 900)
    library = tmp_path / "m.so"
    arguments = ["compile", str(onnx_mlp), "-o", str(library), "--dim", f"batch={low}:{high}"]
    result = CliRunner().invoke(main, [*arguments, "--verify"])
    assert result.exit_code == 0, result.output
    assert fairway.load(library).sizes == {"batch": (low, high)}
