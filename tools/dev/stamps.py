# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Remembers by content what a step was done for, so that it is done once."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .paths import ROOT, STAMPS


def digest(paths: Iterable[str | Path], *extra: str) -> str:
    """Hashes the names and contents of files; folders count with all that Git does not ignore.

    Args:
        paths: Files and folders, absolute or relative to the root; missing ones are left out.
        extra: Anything else that the step depends on.
    """
    total = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(set(_files(paths))):
        total.update(f"\0{path.relative_to(ROOT)}\0{path.stat().st_mode & 0o111}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _files(paths: Iterable[str | Path]) -> Iterable[Path]:
    for path in (ROOT / path for path in paths):
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from _folder(path)


def _folder(folder: Path) -> Iterable[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode == 0:
        found = (ROOT / name for name in listing.stdout.split("\0") if name)
    else:  # no checkout: a source archive
        found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return (path for path in found if path.is_file())


def is_current(name: str, value: str) -> bool:
    """Tells whether the step was last finished for this value."""
    try:
        return (STAMPS / name).read_text(encoding="utf-8") == value
    except OSError:
        return False


def save(name: str, value: str) -> None:
    """Notes that the step is finished for this value."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(value, encoding="utf-8")


def clear(name: str) -> None:
    """Notes that the step is under way, so that being cut off is seen."""
    (STAMPS / name).unlink(missing_ok=True)
