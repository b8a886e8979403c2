# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options of the conformance run, and its table."""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import node_suite as suite  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("onnx", "ONNX's backend node tests")
    group.addoption(
        "--onnx-backend",
        default="fairway.onnx_backend",
        metavar="MODULE",
        help="the backend to test, such as onnxruntime.backend, which no case excuses",
    )
    group.addoption(
        "--onnx-refused", metavar="FILE", help="write the cases that were refused, with causes"
    )
    group.addoption("--onnx-table", metavar="FILE", help="write a table of operations (Markdown)")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Counts by kind of case; works with and without pytest-xdist, whose reports come here."""
    outcomes: dict[str, tuple[str, str, str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            found = dict(getattr(report, "user_properties", ()))
            if "onnx_case" in found and report.when == "call":
                outcomes[found["onnx_case"]] = (
                    found["onnx_outcome"],
                    found.get("onnx_cause", ""),
                    found.get("onnx_message", ""),
                )
    if not outcomes:
        return
    cases = suite.cases()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    operations: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, (outcome, _, _) in outcomes.items():
        counts[suite.kind(cases[name])][outcome] += 1
        counts["all"][outcome] += 1
        operations[suite.operation(cases[name])][outcome] += 1
    terminalreporter.section(f"ONNX's node tests: {config.getoption('onnx_backend')}")
    for kind, count in sorted(counts.items(), key=lambda item: -item[1].total()):
        told = ", ".join(f"{outcome} {number}" for outcome, number in sorted(count.items()))
        share = 100 * count["passed"] / count.total()
        terminalreporter.line(f"{kind:10} {count.total():5}  passed {share:5.1f} %  ({told})")
    if path := config.getoption("onnx_refused"):
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("name", "cause", "message"))
            for name, (outcome, cause, message) in sorted(outcomes.items()):
                if outcome == "refused":
                    writer.writerow((name, cause, message))
    if path := config.getoption("onnx_table"):
        rows = [
            f"| {name} | {count.total()} | {count['passed']} | {count['refused']} |"
            for name, count in sorted(operations.items())
        ]
        head = ["| operation | cases | passed | refused |", "|---|---|---|---|"]
        Path(path).write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
