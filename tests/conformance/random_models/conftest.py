# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many random models are tried, and where those that fail are kept."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

hypothesis = pytest.importorskip("hypothesis")
from builder import REGRESSIONS  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("random models")
    group.addoption(
        "--random-models", type=int, default=100, metavar="N", help="how many (default: 100)"
    )


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.register_profile(
        "random-models",
        max_examples=config.getoption("random_models"),
        deadline=None,
        database=None,  # what failed is kept as a model
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("random-models")


@pytest.fixture
def latest_failure(tmp_path: Path) -> Iterator[Path]:
    """A file for the model that failed last, which is the smallest: it becomes a regression."""
    file = tmp_path / "model.onnx"
    yield file
    if file.exists():
        REGRESSIONS.mkdir(exist_ok=True)
        content = file.read_bytes()
        (REGRESSIONS / f"{hashlib.sha256(content).hexdigest()[:12]}.onnx").write_bytes(content)
