# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples in README and docs/ run: ```python and ```bash blocks, in order.

Blocks marked ```sh are commands that change the machine (pip install) and stay unrun.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
sybil = pytest.importorskip("sybil")

from sybil import Example, Sybil  # noqa: E402
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def run_bash(example: Example) -> None:
    """Runs a block with the environment's own `fairway` first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, (
        f"{example.path}:{example.line}: exit code {result.returncode}\n"
        f"{result.stdout}{result.stderr}"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAIRWAY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FAIRWAY_TUNING_DIR", str(tmp_path / "tuning"))
    # A module that an example writes is imported from the current folder.
    monkeypatch.syspath_prepend(str(tmp_path))
    parsers = [PythonCodeBlockParser(), CodeBlockParser("bash", run_bash)]
    for example in Sybil(parsers=parsers).parse(page).examples():
        example.evaluate()
