# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`./dev update`: proposes newer pins, shows what changes, writes only when told to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import debian, fetch, locks, page, resolve, system, third_party
from .failure import Failure
from .paths import ROOT
from .progress import say

TORCH_MLIR = "torch-mlir"


@dataclass(frozen=True)
class Change:
    """One pin that would change.

    Args:
        name: The package.
        old: What is pinned now, empty for a new package.
        new: What is proposed, empty for one that is needed no longer.
        where: Which lock it is in.
    """

    name: str
    old: str
    new: str
    where: str


@dataclass(frozen=True)
class Proposal:
    """What would change, and the files as they would be."""

    changes: list[Change]
    files: dict[Path, str]


def propose(names: list[str]) -> Proposal:
    """Looks for newer pins; changes nothing.

    Args:
        names: Packages of Python or Debian, or `torch-mlir`; empty for all.

    Raises:
        Failure: If a name is pinned nowhere.
    """
    python = {pin.name for group in locks.groups() for pin in _pins(group)}
    apt = set(debian.pinned())
    wanted = {name if name in apt else locks.normalized(name) for name in names}
    unknown = wanted - python - apt - {TORCH_MLIR}
    if unknown:
        raise Failure(
            f"nothing of this name is pinned: {', '.join(sorted(unknown))}",
            "./dev update without names shows all that could change; what is wanted is in "
            "tools/dev/requirements/*.in and in the lists of Debian packages",
        )
    parts = []
    if not names or wanted & python:
        parts.append(python_packages(sorted(wanted & python), everything=not names))
    if not names or TORCH_MLIR in wanted:
        parts.append(torch_mlir())
    if not names or wanted & apt:
        parts.append(debian_packages(wanted & apt or None))
    changes = [change for part in parts for change in part.changes]
    return Proposal(changes, {path: text for part in parts for path, text in part.files.items()})


def python_packages(names: list[str], everything: bool) -> Proposal:
    """Resolves the groups' locks again.

    Args:
        names: The packages that may change.
        everything: Whether all may.
    """
    texts = resolve.propose(names, everything)
    changes: dict[tuple[str, str, str], list[str]] = {}
    for group, text in texts.items():
        old, new = _pins(group), locks.read(text)
        sides = locks.versions(old), locks.versions(new)
        unlike = {pin.name for pin in set(old) ^ set(new)}
        for name in sorted(sides[0].keys() | sides[1].keys()):
            before, after = (side.get(name, "") for side in sides)
            if before == after and name in unlike:
                after += " (other files or conditions)"
            if before != after:
                changes.setdefault((name, before, after), []).append(group)
    rows = [Change(*key, ", ".join(groups)) for key, groups in sorted(changes.items())]
    return Proposal(rows, {locks.lock_file(group): text for group, text in texts.items()})


def _pins(group: str) -> list[locks.Pin]:
    lock = locks.lock_file(group)
    return locks.read(lock.read_text("utf-8")) if lock.exists() else []


def torch_mlir() -> Proposal:
    """Looks for a newer wheel of torch-mlir."""
    pins = fetch.torch_mlir_wheels()
    old = pins[0][0]
    found = {tag: _newest_torch_mlir(tag) for _, tag, _ in pins}
    versions = {version for version, _ in found.values()}
    if len(versions) > 1:
        raise Failure(f"torch-mlir's newest wheels differ between Pythons: {sorted(versions)}")
    (new,) = versions
    replaced = {digest: found[tag][1] for _, tag, digest in pins}
    if new == old:
        if any(before != after for before, after in replaced.items()):
            raise Failure(
                f"the package index offers torch-mlir {old} with another content than was pinned",
                "find out which of the two is right before you go on",
            )
        return Proposal([], {})
    recipe = fetch.TORCH_MLIR.parent
    files: dict[Path, str] = {}
    for path in (recipe / "conandata.yml", recipe.parent / "config.yml", ROOT / "conanfile.py"):
        text = path.read_text("utf-8").replace(old, new)
        for before, after in replaced.items():
            text = text.replace(before, after)
        files[path] = text
    return Proposal([Change(TORCH_MLIR, old, new, "third_party/")], files)


def _newest_torch_mlir(tag: str) -> tuple[str, str]:
    """Returns the version and SHA-256 of the newest wheel with a tag."""
    (found,) = fetch.describe(
        f"asking for torch-mlir's newest wheel ({tag})",
        "update-torch-mlir",
        [TORCH_MLIR],
        fetch.python_options(tag),
    )
    return found["metadata"]["version"], found["download_info"]["archive_info"]["hashes"]["sha256"]


def debian_packages(names: set[str] | None) -> Proposal:
    """Looks for newer revisions of Debian's packages, in the lists that apt has.

    Args:
        names: The packages that may change, all if None.
    """
    asked = system.build_packages() + system.lint_packages()
    old = debian.pinned()
    new = dict(old) if names else {}
    for name, revisions in debian.offered(names or debian.relatives(asked)).items():
        new[name] = revisions[0]
    changes = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after:
            was, is_now = (it.version if it else "" for it in (before, after))
            if was == is_now:
                is_now += " (another file)"
            changes.append(Change(name, was, is_now, "apt.lock"))
    return Proposal(changes, {debian.LOCK: debian.text(new)})


def table(changes: list[Change]) -> str:
    """Returns the changes as lines of text: package, old, new, where."""
    rows = [("package", "pinned", "proposed", "where")]
    rows += [(it.name, it.old or "-", it.new or "-", it.where) for it in changes]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]])
        for row in rows
    )


def write(proposal: Proposal) -> None:
    """Writes the files that change, and what follows from them: conan.lock, the page."""
    changed = False
    for path, text in proposal.files.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            say(f"wrote {path.relative_to(ROOT)}")
            changed = True
    if any("third_party" in path.parts for path in proposal.files):
        third_party.relock()
    page.write()
    if changed:
        say("run ./dev test before you commit this")
