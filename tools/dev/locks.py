# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pinned Python packages.

requirements/NAME.in says what a group wants, requirements/NAME.txt is its lock: every package
that pip will install for it, with a version and the hashes of its files, for all Pythons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .paths import REQUIREMENTS

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.*))?$")

# Groups whose packages' own requirements are not wanted: models bring data, not code, and
# architectures need of torchvision what works without its own build.
ALONE = ("architectures", "models")


@dataclass(frozen=True)
class Pin:
    """One package of a lock.

    Args:
        name: The package's name, normalized.
        version: The one version that may be installed.
        marker: For which Pythons (PEP 508), empty for all.
        hashes: The SHA-256 sums of the files that may be installed.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def groups() -> list[str]:
    """Returns the names of the groups."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.in"))


def peers() -> list[str]:
    """Returns the groups of the peers that `./dev bench` measures beside."""
    return [group for group in groups() if group.startswith("peer-")]


def wanted_file(group: str) -> Path:
    """Returns the file that says what a group wants."""
    return REQUIREMENTS / f"{group}.in"


def lock_file(group: str) -> Path:
    """Returns a group's lock."""
    return REQUIREMENTS / f"{group}.txt"


def read(text: str) -> list[Pin]:
    """Reads a lock.

    Args:
        text: What the file holds.

    Raises:
        ValueError: If a line pins nothing.
    """
    return list(_pins(text))


def _pins(text: str) -> Iterator[Pin]:
    without_comments = re.sub(r"(^|\s)#.*", "", text)
    for line in without_comments.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        if not requirement:
            continue
        found = _PIN.match(requirement)
        if not found:
            raise ValueError(f"not pinned: {requirement}")
        yield Pin(normalized(found["name"]), found["version"], found["marker"] or "", tuple(hashes))


def versions(pins: Iterable[Pin]) -> dict[str, str]:
    """Returns the versions by name, each with the Pythons that it is for."""
    found: dict[str, list[str]] = {}
    for pin in pins:
        pythons = re.findall(r"python_full_version\s*([<>=!]+)\s*'([\d.*]+)'", pin.marker)
        python = " ".join(operator + version for operator, version in pythons)
        text = f"{pin.version} ({python})" if python else pin.version
        found.setdefault(pin.name, []).append(text)
    return {name: ", ".join(dict.fromkeys(texts)) for name, texts in found.items()}


def normalized(name: str) -> str:
    """Returns a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
