# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options of the run over ONNX's node tests, and its table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
import node_suite as suite  # noqa: E402
import reports  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    group = reports.add_options(parser, "onnx", "ONNX's backend node tests")
    group.addoption(
        "--onnx-backend",
        default="fairway.onnx_backend",
        metavar="MODULE",
        help="the backend to test, such as onnxruntime.backend, which no case excuses",
    )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found = reports.outcomes(terminalreporter, "onnx")
    cases = suite.cases() if found else {}
    reports.summarize(
        terminalreporter,
        "onnx",
        f"ONNX's node tests: {config.getoption('onnx_backend')}",
        found,
        kind=lambda name: suite.kind(cases[name]),
        row=lambda name: suite.operation(cases[name]),
    )
