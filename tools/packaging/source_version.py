# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The version of these sources, which carries their commit; scikit-build-core asks for it.

`0.1.0.dev20261124152125+g5eb9d02b1c` is the commit 5eb9d02b1c, made at that time (UTC), on the
way to the release 0.1.0 that CMakeLists.txt names; `.dirty` at its end tells of changes that are
not committed. A time grows as a count of commits would, and a shallow clone knows it too. The
commit that is tagged `v0.1.0` is plain `0.1.0`.

It is taken from Git, or from what `git archive` wrote into .git_archival.txt, or from the PKG-INFO
of a source distribution. Standard library only.
"""

from __future__ import annotations

import calendar
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HASH_DIGITS = 10
EARLIEST = 315532800  # 1980-01-01, where the time of zip archives begins


def dynamic_metadata(settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, str]:
    """Answers scikit-build-core (https://dynamic-metadata.readthedocs.io)."""
    del settings, project
    return {"version": version()}


def version(root: Path = ROOT) -> str:
    """Returns the version of the sources below a folder, by PEP 440."""
    packed = root / "PKG-INFO"
    if packed.exists():
        found = re.search(r"^Version: (\S+)$", packed.read_text("utf-8"), re.MULTILINE)
        if found:
            return found[1]
    release = _release(root)
    commit = _from_git(root) or _from_archive(root)
    if commit is None:
        return f"{release}.dev0+unknown"
    name, seconds, tags, dirty = commit
    if f"v{release}" in tags and not dirty:
        return release
    moment = time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))
    return f"{release}.dev{moment}+g{name[:HASH_DIGITS]}{'.dirty' if dirty else ''}"


def epoch(text: str) -> int:
    """Returns the time that a version names, in seconds since 1970, for SOURCE_DATE_EPOCH.

    It comes from the version and not from Git, so that a source distribution gives the same.
    """
    found = re.search(r"\.dev(\d{14})\b", text)
    if found is None:
        return EARLIEST
    return calendar.timegm(time.strptime(found[1], "%Y%m%d%H%M%S"))


def _release(root: Path) -> str:
    text = (root / "CMakeLists.txt").read_text("utf-8")
    found = re.search(r"^project\(fairway VERSION ([\d.]+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{root / 'CMakeLists.txt'} names no version in project(fairway ...)")
    return found[1]


def _from_git(root: Path) -> tuple[str, int, list[str], bool] | None:
    if not (root / ".git").exists():  # another project's checkout around ours tells nothing
        return None
    try:
        name, seconds = _git(root, "show", "-s", "--format=%H %ct", "HEAD").split()
        tags = _git(root, "tag", "--points-at", "HEAD").split()
        dirty = bool(_git(root, "status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.CalledProcessError):  # no Git, or no commit yet
        return None
    return name, int(seconds), tags, dirty


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _from_archive(root: Path) -> tuple[str, int, list[str], bool] | None:
    try:
        text = (root / ".git_archival.txt").read_text("utf-8")
    except OSError:
        return None
    found = re.search(r"^node: ([0-9a-f]{40})\ntime: (\d+)\nrefs: (.*)$", text, re.MULTILINE)
    if found is None:  # a checkout, where Git has not filled it in
        return None
    return found[1], int(found[2]), re.findall(r"tag: ([^,\s]+)", found[3]), False


if __name__ == "__main__":
    print(version())
