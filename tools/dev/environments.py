# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The virtual environments: .venv with the tools, tox's with the wheel under test."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from . import fetch, locks, stamps
from .failure import Failure
from .paths import REQUIREMENTS, TOOLS_VENV, TOX, tool
from .progress import run, say

FETCH_HINT = "if a package is missing: run ./dev fetch with the network on, then this again"


def ensure_tools(offline: bool = False) -> None:
    """Creates .venv with what builds and checks Fairway, unless it is current.

    Args:
        offline: Whether everything must have been fetched before.
    """
    wanted = stamps.digest([locks.lock_file("tools")], sys.version, sys.executable)
    if tool("python").exists() and stamps.is_current("tools", wanted):
        return
    stamps.clear("tools")
    shutil.rmtree(TOOLS_VENV, ignore_errors=True)
    run(
        "creating .venv",
        [sys.executable, "-m", "venv", TOOLS_VENV],
        log="venv",
        hint="Debian: apt-get install python3-venv",
    )
    if not offline:
        fetch.ensure_group("tools")
    install(tool("python"), "tools")
    stamps.save("tools", wanted)


def install(python: Path, group: str) -> None:
    """Installs what a group's lock pins, and checks every file against its hash.

    Args:
        python: The interpreter of the environment to install into.
        group: The group's name; it must have been fetched.

    Raises:
        Failure: If a file is missing, is not what was pinned, or needs what is not pinned.
    """
    # Where a package's own requirements are wanted, one that the lock does not name is an error.
    options = ["--no-deps"] if group in locks.ALONE else []
    run(
        f"installing the packages of {group}.txt",
        [
            python,
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--only-binary=:all:",  # nothing is built: what that would need is not pinned
            *options,
            "-r",
            locks.lock_file(group),
        ],
        log=f"install-{group}",
        hint=FETCH_HINT,
    )


def ensure_tested(wheel: Path) -> Path:
    """Makes tox's environment with the frameworks and this wheel installed.

    Args:
        wheel: The wheel to install.

    Returns:
        The environment's Python.
    """
    python = TOX / "py311" / "bin" / "python"
    wanted = stamps.digest([*REQUIREMENTS.iterdir(), "tox.ini", wheel])
    if python.exists() and stamps.is_current("tested", wanted):
        return python
    stamps.clear("tested")
    _install_wheel("py311", wheel, python)
    stamps.save("tested", wanted)
    return python


def ensure_benchmarks(wheel: Path, offline: bool = False) -> Path:
    """Makes tox's environment with this wheel and the peers to measure it beside.

    Each peer is installed by itself: one that does not exist for this machine is left out.

    Args:
        wheel: The wheel to install.
        offline: Whether everything must have been fetched before.

    Returns:
        The environment's Python.
    """
    python = TOX / "bench" / "bin" / "python"
    wanted = stamps.digest([*REQUIREMENTS.iterdir(), "tox.ini", wheel])
    if python.exists() and stamps.is_current("bench", wanted):
        return python
    stamps.clear("bench")
    _install_wheel("bench", wheel, python)
    for group in locks.peers():
        try:
            if not offline:
                fetch.ensure_group(group)
            install(python, group)
        except Failure as failure:
            say(f"measuring without {group.removeprefix('peer-')}: {failure.message}")
    stamps.save("bench", wanted)
    return python


def _install_wheel(name: str, wheel: Path, python: Path) -> None:
    run(
        "installing the wheel and the frameworks in a clean environment",
        [tool("tox"), "run", "-e", name, "--notest", "--installpkg", wheel],
        log=f"tox-{name}",
        hint=FETCH_HINT,
    )
    # As tox does before it runs the tests, which --notest leaves out.
    install(python, "models")
