# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where things are in the working tree."""

from __future__ import annotations

import sys
from pathlib import Path

# Each Python has tools of its own; PyTorch's is the one without a name.
_PYTHON = "" if sys.version_info[:2] == (3, 11) else f"-{sys.version_info[0]}.{sys.version_info[1]}"

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
STAMPS = BUILD / f"stamps{_PYTHON}"
WHEELS = BUILD / "wheels"
WHEELHOUSE = BUILD / "fetched"  # the pinned Python packages
TOOLS_VENV = ROOT / f".venv{_PYTHON}"
TOX = ROOT / ".tox"
REQUIREMENTS = HERE / "requirements"
LLVM_APT_PACKAGES = ROOT / "third_party" / "recipes" / "llvm" / "all" / "apt-packages.txt"


def tool(name: str) -> Path:
    """Returns a program of the tools' virtual environment."""
    return TOOLS_VENV / "bin" / name
