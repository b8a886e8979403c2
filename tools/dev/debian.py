# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pinned revisions of Debian's packages, in apt.lock.

An archive keeps only the newest revision of a release's package, so an old pin cannot always be
had. A revision that differs is therefore reported and not refused; LLVM's own version is checked
by its recipe. What apt offers under a pinned version must be the very file that was pinned.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from .failure import Failure
from .paths import HERE

LOCK = HERE / "apt.lock"
HEADER = """\
# Debian 12 on amd64: package, version, SHA-256 of its file. Written by ./dev update.
# Beside what is asked for: all that comes from the same sources, and the C and C++ libraries.
"""
# Part of what these hold is linked into the wheel; nobody asks for them by name.
LIBRARIES = ("libc6-dev", "libgcc-12-dev", "libstdc++-12-dev")


@dataclass(frozen=True)
class Revision:
    """A Debian package as an archive offers it.

    Args:
        version: Debian's version, with epoch and revision.
        sha256: The sum of the .deb file.
    """

    version: str
    sha256: str


def pinned() -> dict[str, Revision]:
    """Returns what apt.lock pins, by package."""
    lines = LOCK.read_text("utf-8").splitlines() if LOCK.exists() else []
    rows = (line.split() for line in lines if not line.startswith("#"))
    return {name: Revision(version, sha256) for name, version, sha256 in rows}


def text(revisions: dict[str, Revision]) -> str:
    """Returns the text of apt.lock for these revisions."""
    rows = (f"{name} {it.version} {it.sha256}\n" for name, it in sorted(revisions.items()))
    return HEADER + "".join(rows)


def offered(names: Iterable[str]) -> dict[str, list[Revision]]:
    """Returns what apt's lists offer, by package, apt's choice first; changes nothing."""
    found: dict[str, list[Revision]] = {}
    for fields in _records(names, "--all-versions"):
        if "SHA256" in fields:  # what is only installed has none
            revision = Revision(fields["Version"], fields["SHA256"])
            found.setdefault(fields["Package"], []).append(revision)
    return found


def relatives(names: Iterable[str]) -> list[str]:
    """Returns the packages with all that they need from the same sources, sorted."""
    todo, seen, found = {*names, *LIBRARIES}, set[str](), set[str]()
    sources = {_source(record) for record in _records(todo, "--no-all-versions")}
    while todo:
        records = _records(todo, "--no-all-versions")
        related = [record for record in records if _source(record) in sources]
        found |= {record["Package"] for record in related}
        seen |= todo
        needs = ", ".join(record.get("Depends", "") for record in related)
        todo = {part.split()[0].split(":")[0] for part in re.split("[,|]", needs) if part.strip()}
        todo -= seen
    return sorted(found)


def _source(record: dict[str, str]) -> str:
    return record.get("Source", record["Package"]).split()[0]


def differences(installed: dict[str, str]) -> list[str]:
    """Tells which installed packages are of another revision than the pinned one.

    Args:
        installed: The installed versions, by package.

    Returns:
        One text for each, `name version (pinned: version)`.
    """
    pins = pinned()
    return [
        f"{name} {version} (pinned: {pins[name].version})"
        for name, version in sorted(installed.items())
        if name in pins and pins[name].version != version
    ]


def to_install(names: list[str]) -> list[str]:
    """Returns apt-get's arguments for packages, at the pinned revision where it can be had.

    Raises:
        Failure: If the archive offers another file under a pinned version.
    """
    pins, there = pinned(), offered(names)
    arguments = []
    for name in names:
        pin = pins.get(name)
        same = [it for it in there.get(name, []) if pin and it.version == pin.version]
        if pin and same and pin not in same:
            raise Failure(
                f"apt offers {name} {pin.version} with another content than was pinned",
                "find out which of the two is right before you go on: the archive that apt is "
                "configured for, or tools/dev/apt.lock",
            )
        arguments.append(f"{name}={pin.version}" if pin and same else name)
    return arguments


def _records(names: Iterable[str], which: str) -> list[dict[str, str]]:
    """Returns apt's records of packages as field → value; unknown packages are left out."""
    command = ["apt-cache", "show", which, *sorted(names)]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    return [
        dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", record, re.M))
        for record in shown.split("\n\n")
        if record.strip()
    ]
