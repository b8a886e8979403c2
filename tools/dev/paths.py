# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where things are in the working tree."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
STAMPS = BUILD / "stamps"
WHEELS = BUILD / "wheels"
WHEELHOUSE = BUILD / "fetched"  # the pinned Python packages
TOOLS_VENV = ROOT / ".venv"
TOX = ROOT / ".tox"
REQUIREMENTS = HERE / "requirements"
LLVM_APT_PACKAGES = ROOT / "third_party" / "recipes" / "llvm" / "all" / "apt-packages.txt"


def tool(name: str) -> Path:
    """Returns a program of the tools' virtual environment."""
    return TOOLS_VENV / "bin" / name
