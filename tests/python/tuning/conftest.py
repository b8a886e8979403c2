# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of tuning share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fairway.tuning import Database, Record, session


@pytest.fixture(autouse=True)
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on a time, so none waits for a benchmark that runs beside it."""
    monkeypatch.setattr(session, "exclusive", contextlib.nullcontext)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database that is not there yet."""
    return Database(tmp_path / "data" / "tuning.sqlite3")


@pytest.fixture
def record() -> Callable[..., Record]:
    """Makes records; what is not given is made up."""

    def make(scope: str = "scope", kernel: str = "kernel", config: str = "rows = 4") -> Record:
        return Record(
            scope, kernel, config, "matmul_0", "net", "cpu", 2, "rows = 6", 2.0, 1.0, 0.5, 0.1, 9,
            confirmed=True, created=1.0,
        )  # fmt: skip

    return make
