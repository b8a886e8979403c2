# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The database of tuning: which configuration of a kernel was measured to be the best.

One SQLite file. A record belongs to a *scope* (machine, threads, target, build of the
compiler) and a kernel's id, so that it is used only for what was measured. SQLite's
locks and journal make it safe against concurrent processes and crashes.

Reading never makes a compilation fail: a file that is damaged, or that a newer Fairway
wrote, is left as it is, and a `TuningWarning` says so.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import warnings
from collections.abc import Generator, Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import platformdirs

from fairway.cache import content_key
from fairway.errors import TuningError
from fairway.identity import compiler_identity
from fairway.targets import Request

__all__ = ["FOLDER_VARIABLE", "Database", "Record", "TuningWarning", "scope_of"]

FOLDER_VARIABLE = "FAIRWAY_TUNING_DIR"

_FILE = "tuning.sqlite3"
_VERSION = 1
_WAIT_SECONDS = 30.0  # for other processes' writes

_SCHEMA = """
CREATE {kind} winners (
    scope TEXT NOT NULL,
    kernel TEXT NOT NULL,
    config TEXT NOT NULL,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    cpu TEXT NOT NULL,
    threads INTEGER NOT NULL,
    default_config TEXT NOT NULL,
    default_seconds REAL NOT NULL,
    seconds REAL NOT NULL,
    ratio REAL NOT NULL,
    spread REAL NOT NULL,
    runs INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (scope, kernel)
)
"""


class TuningWarning(UserWarning):
    """The tuning database could not be used; compilation went on without it."""


@dataclass(frozen=True)
class Record:
    """A kernel's best configuration and the measurement behind it.

    Attributes:
        scope: What it was measured for; see `scope_of`.
        kernel: The kernel's id.
        config: The configuration.
        name: The kernel's name in the model that was tuned.
        model: That model, in words.
        cpu: The processor.
        threads: The threads.
        default_config: How the kernel is made without tuning.
        default_seconds: Median time of all calls of that in one run.
        seconds: The same with `config`.
        ratio: Median of the ratios of the two, pair by pair.
        spread: By how much that ratio is uncertain.
        runs: The number of pairs.
        confirmed: Whether it was measured again, beside all other winners; not so if
            tuning was interrupted.
        created: When, in seconds since 1970 (UTC).
    """

    scope: str
    kernel: str
    config: str
    name: str
    model: str
    cpu: str
    threads: int
    default_config: str
    default_seconds: float
    seconds: float
    ratio: float
    spread: float
    runs: int
    confirmed: bool
    created: float


_COLUMNS = tuple(field.name for field in fields(Record))


def scope_of(target: str, request: Request) -> str:
    """What measurements depend on beside the kernel: the machine, threads and compiler."""
    machine = request.machine
    return content_key(
        {
            "target": target,
            "triple": machine.triple,
            "cpu": machine.cpu,
            "features": machine.features,
            "description": dict(machine.description),
            "threads": request.threads,
            "compiler": compiler_identity(),
        }
    )


class Database:
    """The winners in one file.

    Args:
        path: The file; made when first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def default(cls) -> Database:
        """The user's: in FAIRWAY_TUNING_DIR, else in the platform's data folder."""
        folder = os.environ.get(FOLDER_VARIABLE) or platformdirs.user_data_dir("fairway")
        return cls(Path(folder) / _FILE)

    def configs(self, target: str, request: Request) -> dict[str, str]:
        """The configurations for a request, by the kernels' ids.

        Args:
            target: The target's name.
            request: The machine and threads.

        Returns:
            Those of all models' kernels; none, with a warning, if the file cannot be read.
        """
        if not self.path.exists():
            return {}
        scope = scope_of(target, request)
        try:
            with self._open("rw") as connection:
                rows = connection.execute(
                    "SELECT kernel, config FROM winners WHERE scope = ?", (scope,)
                )
                return {str(kernel): str(config) for kernel, config in rows}
        except (sqlite3.Error, OSError) as error:
            warnings.warn(
                f"the tuning database cannot be used: {error} ({self.path}); going on without "
                f"it. {_ADVICE}.",
                TuningWarning,
                stacklevel=4,
            )
            return {}

    def records(self) -> list[Record]:
        """Every record, the newest first.

        Raises:
            TuningError: The file cannot be read.
        """
        if not self.path.exists():
            return []
        with self._explained(), self._open("rw") as connection:
            rows = connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM winners ORDER BY created DESC, name"
            )
            return [_record(row) for row in rows]

    def check(self) -> None:
        """Makes sure that `add` will work, before anything is measured.

        Raises:
            TuningError: The file is damaged, of a newer Fairway, or cannot be written.
        """
        self._write(())

    def add(self, records: Iterable[Record]) -> None:
        """Adds records, all or none; one for the same scope and kernel is replaced.

        Raises:
            TuningError: The file cannot be written.
        """
        self._write(tuple(records))

    def remove(self, scope: str, kernels: Iterable[str]) -> None:
        """Removes the records of some kernels; those that are not there are fine.

        Raises:
            TuningError: The file cannot be written.
        """
        if not self.path.exists():
            return
        with self._explained(), self._open("rw") as connection:
            connection.executemany(
                "DELETE FROM winners WHERE scope = ? AND kernel = ?",
                [(scope, kernel) for kernel in kernels],
            )

    def clear(self) -> int:
        """Removes every record; returns how many there were.

        Raises:
            TuningError: The file is no tuning database, or cannot be written.
        """
        if not self.path.exists():
            return 0
        with self._explained(), self._open("rw") as connection:
            return connection.execute("DELETE FROM winners").rowcount

    def _write(self, records: tuple[Record, ...]) -> None:
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._open("rwc") as connection:
                connection.executemany(
                    f"INSERT OR REPLACE INTO winners ({', '.join(_COLUMNS)}) "
                    f"VALUES ({', '.join('?' * len(_COLUMNS))})",
                    [tuple(getattr(record, name) for name in _COLUMNS) for record in records],
                )

    @contextlib.contextmanager
    def _open(self, mode: str) -> Generator[sqlite3.Connection]:
        """One transaction, rolled back if it fails; an empty file is an empty database.

        A mode that may write is needed for reading too, to roll back what a process that
        crashed has left. SQLite makes do with less where the file is read-only.
        """
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?mode={mode}", uri=True, timeout=_WAIT_SECONDS
        )
        try:
            with connection:
                if mode == "rwc":
                    connection.execute("BEGIN IMMEDIATE")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    kind = "TABLE" if mode == "rwc" else "TEMPORARY TABLE"
                    connection.execute(_SCHEMA.format(kind=kind))
                    if mode == "rwc":
                        connection.execute(f"PRAGMA user_version = {_VERSION}")
                elif version != _VERSION:
                    raise sqlite3.DatabaseError(
                        f"it has version {version}, this Fairway knows version {_VERSION}"
                    )
                yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise TuningError(
                f"the tuning database cannot be used: {error}", where=str(self.path), hint=_ADVICE
            ) from error


_ADVICE = f"Move the file away, or set {FOLDER_VARIABLE} to another folder"


def _record(row: tuple[object, ...]) -> Record:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["confirmed"] = bool(values["confirmed"])
    return Record(**values)  # pyright: ignore[reportArgumentType]
