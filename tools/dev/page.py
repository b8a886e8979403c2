# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keeps docs/third-party.md in step with the locks.

The page's tables say why a dependency is here; their second column, the version, is written from
the locks. What those dependencies need in turn is one table that is written as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from . import debian, fetch, locks
from .paths import ROOT

PAGE = ROOT / "docs" / "third-party.md"
EXPLAINED = "## In the wheel\n"  # where the tables of dependencies begin
BEGIN = "<!-- begin: written by ./dev lock and ./dev update -->\n"
END = "<!-- end -->\n"
UNKNOWN = "?"
_ROW = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<version>[^|]*) \| (?P<rest>.*)$", re.M)


def versions() -> dict[str, str]:
    """Returns the pinned version of everything, by name: recipes, Debian's and Python packages."""
    pins = [pin for group in locks.groups() for pin in locks.read(_lock(group))]
    found = {name: it.version for name, it in debian.pinned().items()}
    for name, text in locks.versions(pins).items():
        one = {pin.version for pin in pins if pin.name == name}
        found[name] = one.pop() if len(one) == 1 else text  # the same for all Pythons
    recipes = json.loads((ROOT / "conan.lock").read_text("utf-8"))["requires"]
    pairs = [recipe.split("#")[0].split("/") for recipe in recipes]
    for name, _ in pairs:
        found[name] = ", ".join(sorted(version for other, version in pairs if other == name))
    return found


def wanted() -> set[str]:
    """Returns the names of what is asked for directly, which the page has to explain."""
    names = set[str]()
    for group in locks.groups():
        for line in locks.wanted_file(group).read_text("utf-8").splitlines():
            if found := re.match(r"[A-Za-z0-9._-]+", line):
                names.add(locks.normalized(found[0]))
    return names


def rows(text: str) -> dict[str, list[str]]:
    """Returns the cells of the explained dependencies by name, without the name's own cell."""
    explained = text.partition(EXPLAINED)[2].partition(BEGIN)[0]
    return {
        row["name"]: [row["version"], *row["rest"].rstrip("| ").split(" | ")]
        for row in _ROW.finditer(explained)
    }


def licences(text: str) -> dict[str, str]:
    """Returns the licences that the written table has, by name."""
    written = text.partition(BEGIN)[2]
    return {row["name"]: row["rest"].split(" | ")[0] for row in _ROW.finditer(written)}


def unknown(text: str) -> dict[str, locks.Pin]:
    """Returns what the written table would show with no licence, by name."""
    known = {*rows(text), *licences(text)}
    pins = (pin for group in locks.groups() for pin in locks.read(_lock(group)))
    return {pin.name: pin for pin in pins if pin.name not in known}


def refreshed(text: str, found: Mapping[str, str] | None = None) -> str:
    """Returns the page with the versions as they are pinned.

    Args:
        text: The page as it is.
        found: Licences of packages that the page does not have yet.
    """
    pinned = versions()
    before, _, rest = text.partition(EXPLAINED)
    explained, _, rest = rest.partition(BEGIN)
    after = rest.partition(END)[2]
    known = {**(found or {}), **licences(text)}

    def current(row: re.Match[str]) -> str:
        name = row["name"]
        return f"| `{name}` | {pinned.get(name, row['version'])} | {row['rest']}"

    explained = _ROW.sub(current, explained)
    shown = rows(text)
    lines = ["| package | version | licence | needed for |", "|---|---|---|---|"]
    needed: dict[str, list[str]] = {}
    for group in locks.groups():
        for pin in dict.fromkeys(pin.name for pin in locks.read(_lock(group))):
            needed.setdefault(pin, []).append(group)
    for name, groups in sorted(needed.items()):
        if name not in shown:
            licence = known.get(name, UNKNOWN)
            lines.append(f"| `{name}` | {pinned[name]} | {licence} | {', '.join(groups)} |")
    return before + EXPLAINED + explained + BEGIN + "\n".join(lines) + "\n" + END + after


def write() -> None:
    """Writes the page anew; asks the package index for licences that the page does not have."""
    text = PAGE.read_text("utf-8")
    new = unknown(text)
    # What only older Pythons need has no metadata for the running one.
    older = {name: pin for name, pin in new.items() if "<" in pin.marker}
    newer = {name: pin for name, pin in new.items() if name not in older}
    found = _ask(newer, []) | _ask(older, ["--python-version", "3.10"])
    PAGE.write_text(refreshed(text, found), "utf-8")


def _ask(pins: Mapping[str, locks.Pin], options: list[str]) -> dict[str, str]:
    if not pins:
        return {}
    described = fetch.describe(
        f"asking for the licences of {len(pins)} packages",
        "licences",
        (f"{pin.name}=={pin.version}" for pin in pins.values()),
        options,
    )
    found = (item["metadata"] for item in described)
    return {locks.normalized(it["name"]): licence(it) for it in found}


def licence(metadata: Mapping[str, object]) -> str:
    """Returns a package's licence, in its own words.

    Args:
        metadata: The package's metadata as pip reports them (PEP 566).
    """
    if expression := metadata.get("license_expression"):
        return str(expression)
    text = str(metadata.get("license") or "").strip()
    if text and "\n" not in text and len(text) < 40:
        return text.removeprefix("OSI Approved :: ")
    classifiers = metadata.get("classifier")
    listed = classifiers if isinstance(classifiers, list) else []
    names = [str(it).split(" :: ")[-1] for it in listed if str(it).startswith("License ::")]
    return ", ".join(names) or UNKNOWN


def _lock(group: str) -> str:
    return locks.lock_file(group).read_text("utf-8")
