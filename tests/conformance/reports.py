# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the conformance suites share: outcomes of cases, counted and written down.

A test that runs a case calls `note` with its outcome: "passed", "refused" (an error of
Fairway's that says what it cannot compile), "wrong" (an answer that is not the expected one),
"error" (anything else), or "excluded" (what the suite is measured against fails as well).
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Outcome", "Refused", "add_options", "note", "outcomes", "read_refused", "summarize"]


@dataclass(frozen=True)
class Outcome:
    """How a case ended: a word, and for what was refused the stage and its words."""

    word: str
    cause: str = ""
    message: str = ""


@dataclass(frozen=True)
class Refused:
    """A case that is known to be refused: its name, the stage that refuses it, its words."""

    name: str
    cause: str
    message: str


def read_refused(path: Path) -> dict[str, Refused]:
    """Reads a list of refused cases, by name; there is none if there is no file."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["name"]: Refused(**row) for row in csv.DictReader(file)}


def add_options(parser: pytest.Parser, suite: str, title: str) -> Any:
    """Adds the options that write a suite's results, --SUITE-refused and --SUITE-table."""
    group = parser.getgroup(suite, title)
    group.addoption(
        f"--{suite}-refused", metavar="FILE", help="write the cases that were refused, with causes"
    )
    group.addoption(f"--{suite}-table", metavar="FILE", help="write a table (Markdown)")
    return group


def note(record: Callable[[str, object], None], suite: str, case: str, outcome: Outcome) -> None:
    """Notes a case's outcome; a later one goes before an earlier one."""
    for key, value in (
        ("case", case),
        ("outcome", outcome.word),
        ("cause", outcome.cause),
        ("message", outcome.message),
    ):
        record(f"{suite}_{key}", value)


def outcomes(reporter: pytest.TerminalReporter, suite: str) -> dict[str, Outcome]:
    """The outcomes of a run by case; works with and without pytest-xdist."""
    found: dict[str, Outcome] = {}
    for reports in reporter.stats.values():
        for report in reports:
            properties = dict(getattr(report, "user_properties", ()))
            if f"{suite}_case" in properties and report.when == "call":
                keys = ("outcome", "cause", "message")
                found[properties[f"{suite}_case"]] = Outcome(
                    *(properties[f"{suite}_{key}"] for key in keys)
                )
    return found


def summarize(
    reporter: pytest.TerminalReporter,
    suite: str,
    title: str,
    found: Mapping[str, Outcome],
    kind: Callable[[str], str],
    row: Callable[[str], str],
) -> None:
    """Prints counts by kind, and writes what the options ask for.

    Args:
        reporter: pytest's.
        suite: The suite's name in the options.
        title: What to call it.
        found: The outcomes by case.
        kind: Gives a case's kind.
        row: Gives the row of the table that a case counts in.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case, outcome in found.items():
        for name in ("all", kind(case)):
            counts[name][outcome.word] += 1
        rows[row(case)][outcome.word] += 1
    reporter.section(title)
    for name, count in sorted(counts.items(), key=lambda item: -item[1].total()):
        told = ", ".join(f"{word} {number}" for word, number in sorted(count.items()))
        counted = count.total() - count["excluded"]
        share = 100 * count["passed"] / counted if counted else 0.0
        reporter.line(f"{name:12} {counted:5}  passed {share:5.1f} %  ({told})")
    if path := reporter.config.getoption(f"{suite}_refused"):
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("name", "cause", "message"))
            for case, outcome in sorted(found.items()):
                if outcome.word == "refused":
                    writer.writerow((case, outcome.cause, outcome.message))
    if path := reporter.config.getoption(f"{suite}_table"):
        lines = [
            f"| {name} | {count.total()} | {count['passed']} | {count['refused']} |"
            f" {count['excluded']} |"
            for name, count in sorted(rows.items())
        ]
        head = ["|  | cases | passed | refused | excluded |", "|---|---|---|---|---|"]
        Path(path).write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
