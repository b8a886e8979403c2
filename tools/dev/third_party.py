# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pins the recipes of third_party/ in conan.lock, and checks that they are pinned."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from . import stamps
from .failure import Failure
from .paths import BUILD, ROOT, tool
from .progress import run, say

LOCK = ROOT / "conan.lock"
HOME = BUILD / "conan-lock"  # a home of its own: a shared one may hold older revisions


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
    now = HOME / "conan.lock"
    _write(now)
    if now.read_text("utf-8") != LOCK.read_text("utf-8"):
        raise Failure(
            "conan.lock does not fit the recipes in third_party/",
            "if you changed a recipe, run ./dev lock and commit conan.lock with it",
        )
    stamps.save("lock", wanted)


def _write(lock: Path) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    arguments: tuple[list[str | Path], ...] = (
        ["profile", "detect"],
        ["remote", "disable", "*"],
        ["remote", "add", "fairway", ROOT / "third_party"],
        [
            "lock",
            "create",
            ".",
            "--lockfile=",
            f"--lockfile-out={lock}",
            "-s",
            "build_type=Release",
        ],
    )
    for part in arguments:
        run(
            f"conan {part[0]} {part[1]}",
            [tool("conan"), *part],
            log="conan-lock",
            extra_environment={"CONAN_HOME": str(HOME)},
        )
    # A recipe's revision is its content; when it was exported is nobody's business.
    lock.write_text(re.sub(r'%[\d.]+"', '"', lock.read_text("utf-8")), "utf-8")
