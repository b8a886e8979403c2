# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options of the run over PyTorch's database of operators, and its table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
import reports  # noqa: E402

pytest.importorskip("torch")
import op_suite as suite  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    group = reports.add_options(parser, "operators", "PyTorch's database of operators")
    group.addoption(
        "--operators-backend",
        default="fairway",
        metavar="NAME",
        help="the back end of torch.compile to test, such as inductor, which no case excuses",
    )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found = reports.outcomes(terminalreporter, "operators")
    cases = suite.cases() if found else {}
    reports.summarize(
        terminalreporter,
        "operators",
        f"PyTorch's operators: {config.getoption('operators_backend')}",
        found,
        kind=lambda name: cases[name].kind,
        row=lambda name: cases[name].operation,
    )
