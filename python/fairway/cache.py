# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The cache of compiled code: a folder of finished entries, named by content.

An entry is a folder ``<root>/v1/<key>`` holding files and a manifest with their
sizes and SHA-256 sums. It is written under ``<root>/tmp`` and renamed into place
in one step, so a reader sees a whole entry or none, whatever crashed meanwhile;
an entry that does not match its manifest counts as absent. Any number of
processes may read and write at once. The folder is bounded: after a write, the
entries that were not used for the longest time go.

A second key may stand for an entry, such as one that is known before the model has
been lowered: the file ``<root>/links/<key>`` holds the entry's name.

Nothing here ever makes a compilation fail: callers get `OSError` from `put` and
go on without a cache (see `fairway.driver`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from fairway.errors import CacheError

FOLDER_VARIABLE = "FAIRWAY_CACHE_DIR"
SIZE_VARIABLE = "FAIRWAY_CACHE_MAX_BYTES"
DEFAULT_MAX_BYTES = 2 << 30

_MANIFEST = "manifest.json"
_STALE_SECONDS = 3600.0  # no draft or lock is in use for so long
_CONTENT_KEY = re.compile("[0-9a-f]{64}")


class CacheWarning(UserWarning):
    """The cache could not be used; compilation went on without it."""


@dataclass(frozen=True)
class CacheInfo:
    """What `Cache.info` reports.

    Attributes:
        folder: Where the cache is.
        entries: How many compiled models it holds.
        bytes: Their size on disk.
        max_bytes: The size above which the least recently used entries go.
    """

    folder: Path
    entries: int
    bytes: int
    max_bytes: int


class Cache:
    """A bounded, content-addressed folder of compiled code.

    Args:
        folder: The root; made when first written.
        max_bytes: Size above which `put` removes the least recently used entries.
    """

    def __init__(self, folder: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._entries = folder / "v1"
        self._temporary = folder / "tmp"
        self._locks = folder / "locks"
        self._links = folder / "links"

    @classmethod
    def default(cls) -> Cache:
        """The user's cache: FAIRWAY_CACHE_DIR, else the platform's cache folder.

        Raises:
            CacheError: FAIRWAY_CACHE_MAX_BYTES is not a number of bytes.
        """
        folder = os.environ.get(FOLDER_VARIABLE) or platformdirs.user_cache_dir("fairway")
        limit = os.environ.get(SIZE_VARIABLE) or str(DEFAULT_MAX_BYTES)
        if not limit.isdecimal():
            raise CacheError(
                f"{SIZE_VARIABLE} is {limit!r}, which is not a number of bytes",
                hint=f"set it to a whole number, such as {DEFAULT_MAX_BYTES}, or unset it",
            )
        return cls(Path(folder), int(limit))

    def get(self, key: str) -> Path | None:
        """The folder of the entry `key` if it is there and whole, else None."""
        entry = self._entries / key
        if not _is_whole(entry):
            return None
        with contextlib.suppress(OSError):  # a read-only cache still serves
            os.utime(entry / _MANIFEST)
        return entry

    def put(self, key: str, write: Callable[[Path], None]) -> Path:
        """Adds an entry and returns its folder.

        Args:
            key: The content address (hexadecimal).
            write: Called with an empty folder, puts the entry's files there.

        Raises:
            OSError: The cache cannot be written (read-only, full, ...).
        """
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._entries.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{key[:16]}-", dir=self._temporary))
        try:
            write(draft)
            files = {file.name: _digest(file) for file in sorted(draft.iterdir())}
            (draft / _MANIFEST).write_text(json.dumps({"files": files}), encoding="utf-8")
            self._publish(draft, self._entries / key)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.prune(keep=key)
        return self._entries / key

    def link(self, key: str, entry: str) -> None:
        """Lets `key` stand for an entry from now on; does nothing where it cannot be written.

        Args:
            key: The other content address.
            entry: The entry's own.
        """
        with contextlib.suppress(OSError):
            self._links.mkdir(parents=True, exist_ok=True)
            self._temporary.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix="link-", dir=self._temporary)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(entry)
                os.replace(draft, self._links / key)
            except OSError:
                os.unlink(draft)

    def follow(self, key: str) -> str | None:
        """The entry that `key` stands for, which may be gone; None if it stands for none."""
        try:
            entry = (self._links / key).read_text(encoding="ascii")
        except (OSError, ValueError):
            return None
        return entry if _CONTENT_KEY.fullmatch(entry) else None

    @contextlib.contextmanager
    def lock(self, key: str) -> Generator[None]:
        """Holds the key, so that two processes do not compile the same model.

        Where the folder cannot be locked (read-only, full, a file system without
        locks) it holds nothing: entries are safe without it. A lock dies with the
        process that holds it.
        """
        held: filelock.BaseFileLock | None = None
        with contextlib.suppress(OSError, NotImplementedError):
            self._locks.mkdir(parents=True, exist_ok=True)
            held = filelock.FileLock(self._locks / f"{key}.lock")
            held.acquire()  # pyright: ignore[reportUnknownMemberType]
        try:
            yield
        finally:
            if held is not None:
                held.release()

    def info(self) -> CacheInfo:
        """Counts the entries and their bytes."""
        sizes = [_size(entry) for entry in _children(self._entries)]
        return CacheInfo(self.folder, len(sizes), sum(sizes), self.max_bytes)

    def clear(self) -> int:
        """Removes every entry; returns how many there were.

        Code that is loaded in some process stays loaded.

        Raises:
            CacheError: An entry cannot be removed.
        """
        entries = _children(self._entries)
        for entry in entries:
            try:
                self._remove(entry)
            except OSError as error:
                raise CacheError(
                    f"cannot clear the cache: {error.strerror or error}",
                    where=str(entry),
                    hint="check the permissions of the folder, or remove it by hand",
                ) from error
        self._sweep(self._temporary, age=_STALE_SECONDS)
        self._sweep(self._locks, age=_STALE_SECONDS)
        self._drop_links()
        return len(entries)

    def prune(self, keep: str | None = None) -> None:
        """Brings the cache under its size bound, least recently used first.

        Args:
            keep: An entry that must stay (the one just written).
        """
        with contextlib.suppress(OSError, NotImplementedError, filelock.Timeout):
            self._locks.mkdir(parents=True, exist_ok=True)
            # Whoever prunes already does the work for all.
            with filelock.FileLock(self._locks / "prune.lock", timeout=0):
                self._sweep(self._temporary, age=_STALE_SECONDS)
                self._sweep(self._locks, age=_STALE_SECONDS)
                entries = sorted(_children(self._entries), key=_last_use)
                sizes = {entry: _size(entry) for entry in entries}
                total = sum(sizes.values())
                for entry in entries:
                    if total <= self.max_bytes:
                        break
                    if entry.name != keep:
                        self._remove(entry)
                        total -= sizes[entry]
                self._drop_links()

    def _publish(self, draft: Path, entry: Path) -> None:
        """Renames a finished draft into place; a whole entry already there wins."""
        for _ in range(3):
            try:
                draft.rename(entry)
                return
            except OSError:
                if _is_whole(entry):
                    return
                if not entry.exists():
                    raise
                self._remove(entry)  # damaged: out of the way, then again
        raise OSError(f"cannot replace the damaged cache entry {entry}")

    def _remove(self, entry: Path) -> None:
        """Takes an entry out in one step, then deletes it."""
        self._temporary.mkdir(parents=True, exist_ok=True)
        doomed = Path(tempfile.mkdtemp(prefix="old-", dir=self._temporary))
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            entry.rename(doomed / entry.name)
        shutil.rmtree(doomed, ignore_errors=True)

    def _drop_links(self) -> None:
        """Deletes links whose entry is gone."""
        for link in _children(self._links):
            entry = self.follow(link.name)
            if entry is None or not (self._entries / entry).is_dir():
                with contextlib.suppress(OSError):
                    link.unlink()

    @staticmethod
    def _sweep(folder: Path, age: float) -> None:
        """Deletes what crashed writers left behind more than `age` seconds ago."""
        oldest = time.time() - age
        for child in _children(folder):
            with contextlib.suppress(OSError):
                if child.stat().st_mtime <= oldest:
                    if child.is_dir():
                        shutil.rmtree(child, ignore_errors=True)
                    else:
                        child.unlink()


def content_key(fields: Mapping[str, Any]) -> str:
    """SHA-256 (hexadecimal) over named values that JSON can hold."""
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _digest(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _is_whole(entry: Path) -> bool:
    """Whether the entry has a manifest and every file matches it."""
    try:
        manifest = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        return all(_digest(entry / name) == found for name, found in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _last_use(entry: Path) -> float:
    try:
        return (entry / _MANIFEST).stat().st_mtime
    except OSError:
        return 0.0


def _size(entry: Path) -> int:
    total = 0
    for file in _children(entry):
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total
