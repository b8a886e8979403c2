# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pins the recipes of third_party/ in conan.lock."""

from __future__ import annotations

import re
import shutil

from .paths import BUILD, ROOT, tool
from .progress import run, say


def relock() -> None:
    """Writes conan.lock from the recipes as they are now; downloads nothing."""
    home = BUILD / "conan-lock"
    shutil.rmtree(home, ignore_errors=True)
    lock = ROOT / "conan.lock"
    for arguments in (
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
    ):
        run(
            f"conan {arguments[0]} {arguments[1]}",
            [tool("conan"), *arguments],
            log="conan-lock",
            extra_environment={"CONAN_HOME": str(home)},
        )
    # A recipe's revision is its content; when it was exported is nobody's business.
    lock.write_text(re.sub(r'%[\d.]+"', '"', lock.read_text("utf-8")), "utf-8")
    say("conan.lock is written; commit it with the recipes")
