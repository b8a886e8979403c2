# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tuning database: what goes in comes out, for the right machine, whatever else happens."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fairway import targets
from fairway.errors import TuningError
from fairway.tuning import Database, Record, TuningWarning
from fairway.tuning.database import scope_of

Make = Callable[..., Record]

MACHINE = targets.Machine("x86_64-unknown-linux-gnu", "znver3", "+avx2", {"l2_bytes": 1 << 19})
REQUEST = targets.Request(MACHINE, 2, "0.1.0", "{}")


def test_is_empty_until_written(database: Database) -> None:
    assert database.records() == []
    assert database.configs("cpu", REQUEST) == {}
    assert database.clear() == 0
    database.remove("scope", ["kernel"])
    assert not database.path.exists()


def test_keeps_what_is_added(database: Database, record: Make) -> None:
    first = record(scope_of("cpu", REQUEST), "a")
    other = replace(record("elsewhere", "b", "rows = 5"), confirmed=False)
    database.add([first, other])
    assert set(database.records()) == {first, other}
    assert database.configs("cpu", REQUEST) == {"a": "rows = 4"}


def test_replaces_removes_and_clears(database: Database, record: Make) -> None:
    scope = scope_of("cpu", REQUEST)
    database.add([record(scope, "a"), record(scope, "b")])
    database.add([record(scope, "a", "rows = 7")])
    assert database.configs("cpu", REQUEST) == {"a": "rows = 7", "b": "rows = 4"}
    database.remove(scope, ["a", "unknown"])
    assert database.configs("cpu", REQUEST) == {"b": "rows = 4"}
    assert database.clear() == 1
    assert database.records() == []


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, threads=3),
        replace(REQUEST, machine=replace(MACHINE, cpu="znver4")),
        replace(REQUEST, machine=replace(MACHINE, features="+avx512f")),
        replace(REQUEST, machine=replace(MACHINE, description={"l2_bytes": 1 << 20})),
        replace(REQUEST, machine=replace(MACHINE, triple="aarch64-unknown-linux-gnu")),
    ],
)
def test_serves_only_the_machine_that_was_measured(
    other: targets.Request, database: Database, record: Make
) -> None:
    database.add([record(scope_of("cpu", REQUEST))])
    assert database.configs("cpu", other) == {}
    assert database.configs("other", REQUEST) == {}


def test_another_build_of_the_compiler_is_another_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    before = scope_of("cpu", REQUEST)
    monkeypatch.setattr("fairway.tuning.database.compiler_identity", lambda: "another")
    assert scope_of("cpu", REQUEST) != before


def test_metadata_and_earlier_winners_do_not_matter() -> None:
    changed = replace(REQUEST, metadata="other", configs={"a": "rows = 1"})
    assert scope_of("cpu", changed) == scope_of("cpu", REQUEST)


@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 3\0" + b"x" * 4096])
def test_damaged_one_is_left_alone_with_a_warning(content: bytes, database: Database) -> None:
    database.path.parent.mkdir()
    database.path.write_bytes(content)
    with pytest.warns(TuningWarning, match="cannot be used.*Move the file away"):
        assert database.configs("cpu", REQUEST) == {}
    for action in (database.records, database.check, database.clear):
        with pytest.raises(TuningError, match="the tuning database cannot be used"):
            action()
    assert database.path.read_bytes() == content


def test_one_of_a_newer_version_is_left_alone(database: Database, record: Make) -> None:
    database.add([record()])
    with sqlite3.connect(database.path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.warns(TuningWarning, match="has version 2, this Fairway knows version 1"):
        assert database.configs("cpu", REQUEST) == {}
    with pytest.raises(TuningError, match="version 2"):
        database.add([record()])
    with pytest.raises(TuningError, match="version 2"):
        database.clear()
    with sqlite3.connect(database.path) as connection:
        assert connection.execute("SELECT count(*) FROM winners").fetchone() == (1,)
    connection.close()


def test_empty_file_is_an_empty_database(database: Database, record: Make) -> None:
    database.path.parent.mkdir()
    database.path.touch()  # what a process that was killed while creating it leaves
    assert database.records() == []
    assert database.clear() == 0
    database.add([record()])
    assert len(database.records()) == 1


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TuningError, match="cannot be used"):
        Database(tmp_path / "file" / "tuning.sqlite3").check()


def test_environment_moves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_TUNING_DIR", str(tmp_path))
    assert Database.default().path == tmp_path / "tuning.sqlite3"


WRITER = """
import sys
from pathlib import Path
from fairway.tuning import Database, Record
database = Database(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    database.add(Record("s", f"{sys.argv[2]}-{i}-{number}", "rows = 4", "n", "m", "c", 1, "", 1.0,
                        1.0, 1.0, 0.0, 1, True, float(number)) for i in (0, 1))
    print(number, flush=True)
"""


def writer(database: Database, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(database.path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_may_write_and_read_at_once(database: Database) -> None:
    writers = [writer(database, name, 20) for name in "abc"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # also while the file is being made
        while any(process.poll() is None for process in writers):
            database.configs("cpu", REQUEST)
            assert len(database.records()) % 2 == 0  # transactions are whole
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    assert len(database.records()) == 3 * 20 * 2


def test_killed_writer_leaves_whole_transactions(database: Database) -> None:
    process = writer(database, "a", 10**6)
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    count = len(database.records())
    assert count >= 40
    assert count % 2 == 0
    database.check()
