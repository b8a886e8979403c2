# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options of the run over architectures, and its table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
import reports  # noqa: E402

pytest.importorskip("torch")


def pytest_addoption(parser: pytest.Parser) -> None:
    reports.add_options(parser, "architectures", "architectures of transformers and timm")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports.summarize(
        terminalreporter,
        "architectures",
        "architectures",
        reports.outcomes(terminalreporter, "architectures"),
        kind=lambda case: case.partition("-")[0],
        row=lambda case: case,
    )
