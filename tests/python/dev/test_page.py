# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/third-party.md: explains every dependency, with the versions that are locked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dev import page, system

TEXT = page.PAGE.read_text("utf-8")
ROOT = Path(__file__).resolve().parents[3]


def test_is_as_dev_lock_would_write_it() -> None:
    assert page.refreshed(TEXT) == TEXT, "run ./dev lock"


def test_explains_every_dependency_that_is_asked_for() -> None:
    recipes = json.loads((ROOT / "conan.lock").read_text("utf-8"))["requires"]
    names = page.wanted() | {recipe.split("/")[0] for recipe in recipes}
    names |= set(system.build_packages() + system.lint_packages()) - {
        "python3-dev",  # Python itself
        "python3-venv",
    }
    missing = sorted(names - page.rows(TEXT).keys())
    assert missing == [], "add a row for each to a table of docs/third-party.md, run ./dev lock"


def test_explains_nothing_that_is_gone() -> None:
    assert sorted(page.rows(TEXT).keys() - page.versions().keys()) == []


def test_leaves_no_cell_empty() -> None:
    cells = page.rows(TEXT)
    assert [name for name, row in cells.items() if "" in row or len(row) not in (5, 6)] == []
    assert [name for name, it in page.licences(TEXT).items() if it in ("", page.UNKNOWN)] == []


def test_notices_another_version() -> None:
    version = page.versions()["ruff"]
    stale = TEXT.replace(f"| `ruff` | {version} |", "| `ruff` | 0.0.1 |")
    assert stale != TEXT
    assert page.refreshed(stale) == TEXT


def test_keeps_licences_and_takes_new_ones() -> None:
    name, licence = next(iter(page.licences(TEXT).items()))
    line = next(it for it in TEXT.splitlines(keepends=True) if it.startswith(f"| `{name}` |"))
    without = TEXT.replace(line, "")
    assert page.licences(page.refreshed(without))[name] == page.UNKNOWN
    assert page.refreshed(without, {name: licence}) == TEXT


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"license_expression": "MIT", "license": "no"}, "MIT"),
        ({"license": "Apache-2.0"}, "Apache-2.0"),
        (
            {"license": "A\nlong\ntext", "classifier": ["License :: X :: BSD License"]},
            "BSD License",
        ),
        ({"classifier": ["Topic :: Software"]}, page.UNKNOWN),
    ],
)
def test_reads_licences_as_packages_state_them(metadata: dict[str, object], expected: str) -> None:
    assert page.licence(metadata) == expected
