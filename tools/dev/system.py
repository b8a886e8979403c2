# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the machine itself must have: distribution packages, a Python, disk space."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian
from .failure import Failure
from .paths import HERE, LLVM_APT_PACKAGES, ROOT, TOOLS_VENV
from .progress import run, say

NEEDED_GIGABYTES = 6.0
LISTING = "${Package} ${Version} ${db:Status-Status}\n"
NON_INTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def build_packages(from_source: bool = False) -> list[str]:
    """Returns the names of the Debian packages that a build needs.

    Args:
        from_source: Whether LLVM is built and not taken from Debian.
    """
    names = [] if from_source else LLVM_APT_PACKAGES.read_text(encoding="utf-8").split()
    names += (HERE / "apt-packages.txt").read_text(encoding="utf-8").split()
    if Path(sys.executable).resolve().parent == Path("/usr/bin"):
        names += ["python3-dev", "python3-venv"]  # Debian splits its Python
    return names


def lint_packages() -> list[str]:
    """Returns the names of the Debian packages that only the linters need."""
    return (HERE / "apt-packages-lint.txt").read_text(encoding="utf-8").split()


def installed_packages(names: list[str]) -> dict[str, str]:
    """Returns the versions of those of the packages that are installed."""
    if not shutil.which("dpkg-query"):
        raise Failure(
            "this is no Debian system, and ./dev sets up only those",
            "use Debian 12; elsewhere `pip install .` builds Fairway with an LLVM of your own "
            "(see docs/third-party.md)",
        )
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat", LISTING, *names], capture_output=True, text=True
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return {row[0]: row[1] for row in rows if row[2:] == ["installed"]}


def missing_packages(names: list[str]) -> list[str]:
    """Returns those of the packages that are not installed."""
    present = installed_packages(names)
    return [name for name in names if name not in present]


def report_differences() -> None:
    """Says which Debian packages are of another revision than the pinned one, if any are."""
    different = debian.differences(installed_packages(list(debian.pinned())))
    if different:
        say(
            f"{len(different)} Debian packages are not of the pinned revision "
            f"(./dev update proposes to pin what there is): {', '.join(different)}"
        )


def ensure_packages(names: list[str]) -> None:
    """Installs what is missing of the packages; without the right to, says what to ask for.

    Raises:
        Failure: If something is missing and cannot be installed.
    """
    missing = missing_packages(names)
    if not missing:
        return
    line = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0:
        raise Failure(
            f"{len(missing)} Debian packages are missing, and installing them needs root",
            f"have an administrator run\napt-get update\n{line}\nthen run this again",
        )
    if not _known(missing):
        run(
            "asking Debian's archive for its package lists",
            ["apt-get", "update"],
            log="apt",
            extra_environment=NON_INTERACTIVE,
        )
    hint = f"see whether this works by hand: apt-get update && {line}"
    options = ["--yes", "--no-install-recommends"]
    run(
        f"installing {len(missing)} Debian packages",
        ["apt-get", "install", *options, *debian.to_install(missing)],
        log="apt",
        extra_environment=NON_INTERACTIVE,
        hint=hint,
    )


def _known(names: list[str]) -> bool:
    """Tells whether apt's lists name a candidate for every package."""
    policy = subprocess.run(
        ["apt-cache", "policy", *names],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    ).stdout
    return policy.count("Candidate: ") - policy.count("Candidate: (none)") >= len(names)


def ensure_disk() -> None:
    """Checks that a first set-up fits on the disk."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GIGABYTES and not TOOLS_VENV.exists():
        raise Failure(
            f"only {free:.1f} GB are free at {ROOT}; setting up needs {NEEDED_GIGABYTES:.0f} GB",
            "free some space, or move the clone to a larger disk",
        )


def ensure_room(folder: Path, disk: float, memory: float) -> None:
    """Checks before a long build that it will not fail for want of space.

    Args:
        folder: Where it will write; need not exist yet.
        disk: The gigabytes of disk that it takes.
        memory: The gigabytes of memory that it takes.

    Raises:
        Failure: If there is less.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    if free < disk:
        raise Failure(
            f"only {free:.1f} GB are free at {there}; building LLVM needs {disk:.0f} GB",
            "free some space, or set CONAN_HOME to a folder on a larger disk",
        )
    available = _available_memory()
    if available is not None and available < memory:
        raise Failure(
            f"only {available:.1f} GB of memory are free; building LLVM needs {memory:.0f} GB",
            "end what uses memory, or build on a larger machine",
        )


def jobs(memory: float) -> int:
    """Returns how many jobs the processors and the memory allow at once.

    Args:
        memory: The gigabytes of memory that one takes.
    """
    available = _available_memory()
    cores = os.cpu_count() or 1
    return cores if available is None else max(1, min(cores, int(available / memory)))


def _available_memory() -> float | None:
    """Returns the gigabytes that can be had without swapping; None where Linux does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(values[0]) * 1024 / 1e9 if values else None


def ensure_python(exactly: tuple[int, int] | None = None) -> None:
    """Checks the running Python, and starts again under the right one if it is at hand.

    Args:
        exactly: The version that is needed, where only one will do.
    """
    if exactly is None or sys.version_info[:2] == exactly:
        return
    name = f"python{exactly[0]}.{exactly[1]}"
    program = shutil.which(name)
    works = program and not subprocess.run([program, "-c", ""], capture_output=True).returncode
    if not program or not works:
        raise Failure(
            f"{name} is needed (the pinned PyTorch exists for no other version); "
            f"this is Python {sys.version.split()[0]}",
            f"install it (Debian 12: apt-get install python3) and run {name} ./dev",
        )
    os.execv(program, [program, *sys.argv])
