# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pins the recipes of third_party/ in conan.lock, and checks that they are pinned."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import stamps, system
from .failure import Failure
from .paths import BUILD, ROOT, tool
from .progress import run, say

LOCK = ROOT / "conan.lock"
LLVM_DISK_GIGABYTES = 8.0
LLVM_JOB_GIGABYTES = 1.6  # of memory, for each job
LOCK_HOME = BUILD / "conan-lock"  # a home of its own: a shared one may hold older revisions


def relock() -> None:
    """Writes conan.lock from the recipes as they are now; downloads nothing."""
    _write(LOCK)
    say("conan.lock is written; commit it with the recipes")


def ensure_locked() -> None:
    """Checks that conan.lock pins the recipes of this very tree.

    Raises:
        Failure: If a recipe has changed since.
    """
    wanted = stamps.digest(["third_party", "conanfile.py", LOCK])
    if stamps.is_current("lock", wanted):
        return
    now = LOCK_HOME / "conan.lock"
    _write(now)
    if now.read_text("utf-8") != LOCK.read_text("utf-8"):
        raise Failure(
            "conan.lock does not fit the recipes in third_party/",
            "if you changed a recipe, run ./dev lock and commit conan.lock with it",
        )
    stamps.save("lock", wanted)


def home() -> Path:
    """Returns Conan's home, as cmake/FairwayDependencyProvider.cmake chooses it."""
    if "CONAN_HOME" in os.environ:
        return Path(os.environ["CONAN_HOME"])
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "fairway" / "conan"


def fetch_sources() -> None:
    """Downloads the archives that the recipes name into Conan's home; builds nothing."""
    with _alone():
        _prepare(home(), "conan-fetch")
        _conan(
            home(),
            ["graph", "info", ".", *_settings(), "-c", "tools.build:download_source=True"],
            log="conan-fetch",
            title="downloading the sources of third_party/",
        )


def ensure_llvm_from_source() -> None:
    """Builds LLVM with its recipe, unless Conan's home already has it.

    Raises:
        Failure: If there is too little disk or memory, or the build fails.
    """
    wanted = stamps.digest(["third_party", "conan.lock"], sys.version, str(home()))
    if stamps.is_current("llvm-from-source", wanted):
        return
    stamps.clear("llvm-from-source")
    taken = sum(path.stat().st_size for path in _work().rglob("*") if path.is_file()) / 1e9
    system.ensure_room(home(), max(LLVM_DISK_GIGABYTES - taken, 1.0), LLVM_JOB_GIGABYTES * 2)
    jobs = system.jobs(LLVM_JOB_GIGABYTES)
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with _alone():
        _prepare(home(), "llvm-from-source")
        _conan(
            home(),
            [
                "install",
                ".",
                f"--output-folder={BUILD / 'conan-source'}",
                "--build=missing",
                *_settings(),
                "-o",
                "llvm/*:provider=source",
                "-o",
                f"torch-mlir/*:python={python}",
                "-c",
                f"tools.build:jobs={jobs}",
            ],
            log="llvm-from-source",
            title="building LLVM from source (an hour or more, once; it can be interrupted)",
        )
    stamps.save("llvm-from-source", wanted)


def _work() -> Path:
    """Returns where LLVM's objects are, so that an interrupted build goes on there."""
    return home() / "llvm"


def _settings() -> list[str]:
    """Returns the arguments with which the build, too, calls Conan."""
    return [
        f"--lockfile={LOCK}",
        "-s",
        "build_type=Release",
        "-cc",
        f"core.sources:download_cache={home() / 'sources'}",
        "-c",
        f"user.llvm:work_folder={_work()}",
    ]


@contextmanager
def _alone() -> Iterator[None]:
    """Keeps other clones' builds, which take the same lock, out of Conan's home meanwhile."""
    home().mkdir(parents=True, exist_ok=True)
    with (home() / "fairway.lock").open("a", encoding="utf-8") as file:
        try:  # the kind of lock that CMake's file(LOCK) takes
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"another build is at work in {home()}; waiting for it")
            fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _prepare(where: Path, log: str) -> None:
    """Makes a home of Conan know the recipes of this tree and nothing else."""
    _conan(where, ["profile", "detect", "--exist-ok"], log=log)
    _conan(where, ["remote", "disable", "*"], log=log)
    _conan(where, ["remote", "add", "fairway", ROOT / "third_party", "--force"], log=log)


def _conan(where: Path, arguments: list[str | Path], *, log: str, title: str | None = None) -> None:
    run(
        title or f"conan {arguments[0]} {arguments[1]}",
        [tool("conan"), *arguments],
        log=log,
        extra_environment={"CONAN_HOME": str(where)},
    )


def _write(lock: Path) -> None:
    shutil.rmtree(LOCK_HOME, ignore_errors=True)
    _prepare(LOCK_HOME, "conan-lock")
    create = ["lock", "create", ".", f"--lockfile-out={lock}", "-s", "build_type=Release"]
    _conan(LOCK_HOME, [*create, "--lockfile="], log="conan-lock")
    # What only a choice of the builder's brings in is pinned too.
    choices = ["-o", "&:torch_mlir=source", "-o", "&:with_onnx_mlir=True"]
    more = [f"--lockfile={lock}", "--lockfile-partial", *choices]
    _conan(LOCK_HOME, [*create, *more], log="conan-lock")
    # A recipe's revision is its content; when it was exported is nobody's business.
    lock.write_text(re.sub(r'%[\d.]+"', '"', lock.read_text("utf-8")), "utf-8")
