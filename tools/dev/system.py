# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the machine itself must have: distribution packages, a Python, disk space."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .failure import Failure
from .paths import HERE, LLVM_APT_PACKAGES, ROOT, TOOLS_VENV
from .progress import run

NEEDED_GIGABYTES = 6.0
NON_INTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def build_packages() -> list[str]:
    """Returns the names of the Debian packages that a build needs."""
    names = LLVM_APT_PACKAGES.read_text(encoding="utf-8").split()
    names += (HERE / "apt-packages.txt").read_text(encoding="utf-8").split()
    if Path(sys.executable).resolve().parent == Path("/usr/bin"):
        names += ["python3-dev", "python3-venv"]  # Debian splits its Python
    return names


def lint_packages() -> list[str]:
    """Returns the names of the Debian packages that only the linters need."""
    return (HERE / "apt-packages-lint.txt").read_text(encoding="utf-8").split()


def missing_packages(names: list[str]) -> list[str]:
    """Returns those of the packages that are not installed."""
    if not shutil.which("dpkg-query"):
        raise Failure(
            "this is no Debian system, and ./dev sets up only those",
            "use Debian 12; elsewhere `pip install .` builds Fairway with an LLVM of your own "
            "(see docs/third-party.md)",
        )
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
    ).stdout
    present = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in present]


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
    run(
        f"installing {len(missing)} Debian packages",
        ["apt-get", "install", "--yes", *line.split()[2:]],
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
