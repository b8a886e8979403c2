# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compilation cache: whole entries or none, bounded, never in the way."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.cache import DEFAULT_MAX_BYTES, Cache, content_key
from fairway.errors import CacheError

NOBODY = 65534


def writer(data: bytes):
    def write(folder: Path) -> None:
        (folder / "code").write_bytes(data)

    return write


def test_returns_what_was_put(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.get("abc") is None
    cache.put("abc", writer(b"hello"))
    folder = cache.get("abc")
    assert folder is not None
    assert (folder / "code").read_bytes() == b"hello"


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        (folder / "code").write_bytes(b"half")
        raise OSError("the disk is full")

    cache = Cache(tmp_path)
    with pytest.raises(OSError, match="full"):
        cache.put("abc", write)
    assert cache.get("abc") is None
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("damage", ["truncate", "alter", "delete", "manifest"])
def test_damaged_entry_is_absent_and_can_be_replaced(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    folder = cache.put("abc", writer(b"hello"))
    if damage == "truncate":
        (folder / "code").write_bytes(b"hel")
    elif damage == "alter":
        (folder / "code").write_bytes(b"jello")
    elif damage == "delete":
        (folder / "code").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    assert cache.get("abc") is None
    cache.put("abc", writer(b"again"))
    found = cache.get("abc")
    assert found is not None
    assert (found / "code").read_bytes() == b"again"


def test_entry_already_there_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("abc", writer(b"first"))
    folder = cache.put("abc", writer(b"second"))
    assert (folder / "code").read_bytes() == b"first"


def test_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=3000)
    for age, key in ((300, "old"), (200, "older-but-used"), (100, "new")):
        folder = cache.put(key, writer(b"x" * 800))
        os.utime(folder / "manifest.json", (time.time() - age,) * 2)
    os.utime(tmp_path / "v1" / "older-but-used" / "manifest.json", (time.time() - 999,) * 2)
    assert cache.get("older-but-used") is not None  # now the latest used
    cache.put("last", writer(b"x" * 800))
    assert cache.get("old") is None
    assert cache.get("older-but-used") is not None
    assert cache.get("last") is not None
    assert cache.info().bytes <= 3000


def test_entry_larger_than_the_bound_is_kept_for_its_writer(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=10)
    folder = cache.put("abc", writer(b"x" * 100))
    assert (folder / "code").exists()


NAME, OTHER = "a" * 64, "b" * 64


def test_follows_links(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.follow("key") is None
    cache.link("key", NAME)
    assert cache.follow("key") == NAME
    cache.link("key", OTHER)
    assert cache.follow("key") == OTHER
    assert not list((tmp_path / "tmp").iterdir())


def test_damaged_link_leads_nowhere(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.link("key", NAME)
    for damage in (b"", NAME[:63].encode(), b"../" * 21 + b"a", b"\xff" * 64):
        (tmp_path / "links" / "key").write_bytes(damage)
        assert cache.follow("key") is None


def test_links_go_with_their_entry(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(NAME, writer(b"1"))
    cache.link("key", NAME)
    cache.link("stray", OTHER)
    cache.put("another", writer(b"2"))
    assert cache.follow("key") == NAME
    assert cache.follow("stray") is None
    cache.clear()
    assert cache.follow("key") is None


def test_link_that_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "links").touch()
    cache = Cache(tmp_path)
    cache.link("key", NAME)
    assert cache.follow("key") is None


def test_clear_counts_and_empties(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("a", writer(b"1"))
    cache.put("b", writer(b"2"))
    assert cache.info().entries == 2
    assert cache.clear() == 2
    assert cache.info().entries == 0


def test_leftovers_of_a_crash_are_swept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    left = tmp_path / "tmp" / "crashed"
    left.mkdir(parents=True)
    os.utime(left, (time.time() - 7200,) * 2)
    fresh = tmp_path / "tmp" / "at-work"
    fresh.mkdir()
    cache.put("abc", writer(b"1"))
    assert not left.exists()
    assert fresh.exists()


def _put_many(folder: Path, worker: int) -> None:
    cache = Cache(folder, max_bytes=20_000)
    for turn in range(40):
        key = f"key{(turn + worker) % 8}"
        with cache.lock(key):
            found = cache.get(key)
            if found is None:
                cache.put(key, writer(key.encode() * 500))
            else:
                data = (found / "code").read_bytes() if (found / "code").exists() else None
                assert data in (None, key.encode() * 500)


def test_many_processes_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_put_many, args=(tmp_path, i)) for i in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    for entry in (tmp_path / "v1").iterdir():
        assert Cache(tmp_path).get(entry.name) is not None


def _hold_and_die(folder: Path, ready: Path) -> None:
    with Cache(folder).lock("abc"):
        ready.touch()
        time.sleep(60)


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = multiprocessing.get_context("fork").Process(
        target=_hold_and_die, args=(tmp_path / "cache", ready)
    )
    process.start()
    while not ready.exists():
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    start = time.monotonic()
    with Cache(tmp_path / "cache").lock("abc"):
        pass
    assert time.monotonic() - start < 10


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A cache with one entry in a folder that this process may not write."""
    folder = Path(tempfile.mkdtemp())
    Cache(folder).put("abc", writer(b"hello"))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)  # root may write everywhere
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_read_only_cache_serves_but_refuses_to_be_written(read_only: Path) -> None:
    cache = Cache(read_only)
    with cache.lock("abc"):
        assert cache.get("abc") is not None
    with pytest.raises(PermissionError):
        cache.put("def", writer(b"1"))
    cache.prune()


def test_read_only_cache_cannot_be_cleared(read_only: Path) -> None:
    with pytest.raises(CacheError, match="cannot clear the cache"):
        Cache(read_only).clear()


def test_full_disk_leaves_no_entry(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # the kernel stops writes there
    try:
        with pytest.raises(OSError):
            cache.put("abc", writer(b"x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert cache.get("abc") is None
    assert not list((tmp_path / "tmp").iterdir())


def test_folder_and_size_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRWAY_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("FAIRWAY_CACHE_MAX_BYTES", "123")
    info = Cache.default().info()
    assert (info.folder, info.max_bytes) == (tmp_path, 123)
    monkeypatch.delenv("FAIRWAY_CACHE_MAX_BYTES")
    assert Cache.default().max_bytes == DEFAULT_MAX_BYTES


def test_rejects_a_size_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_CACHE_MAX_BYTES", "2 GB")
    with pytest.raises(CacheError, match="FAIRWAY_CACHE_MAX_BYTES is '2 GB'"):
        Cache.default()


def test_key_depends_on_every_field_and_not_on_order() -> None:
    fields = {"module": "m", "cpu": "x", "version": "1"}
    key = content_key(fields)
    assert key == content_key(dict(reversed(fields.items())))
    assert len({key, *(content_key({**fields, name: "other"}) for name in fields)}) == 4
    assert json.dumps(fields)  # what makes up a key can be shown
