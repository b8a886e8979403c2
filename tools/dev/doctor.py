# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`./dev doctor`: what is there, what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from . import build, debian, system
from .failure import Failure
from .paths import ROOT, TOOLS_VENV, TOX, WHEELHOUSE, WHEELS


def report() -> None:
    """Prints one line a thing; changes nothing."""
    wheels = [build.describe(wheel) for wheel in WHEELS.glob("*.whl")]
    rows = [
        ("system", platform.platform()),
        ("python", f"{sys.version.split()[0]} ({sys.executable})"),
        ("python 3.11", shutil.which("python3.11") or "missing (demo and test need it)"),
        ("processor cores", str(os.cpu_count())),
        ("free disk", f"{shutil.disk_usage(ROOT).free / 1e9:.0f} GB"),
        ("ccache", shutil.which("ccache") or "missing (builds are not cached)"),
        ("packages to build", _missing(system.build_packages())),
        ("packages to lint", _missing(system.lint_packages())),
        ("Debian's revisions", _differences()),
        ("pinned files", f"{_fetched()} fetched (./dev fetch gets all)"),
        ("build tools", str(TOOLS_VENV) if TOOLS_VENV.exists() else "not set up yet"),
        ("wheel", wheels[0] if wheels else "not built yet"),
        ("test environment", str(TOX / "py311") if TOX.exists() else "not set up yet"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def _differences() -> str:
    try:
        different = debian.differences(system.installed_packages(list(debian.pinned())))
    except Failure as failure:
        return failure.message
    return f"other than pinned: {', '.join(different)}" if different else "as pinned"


def _fetched() -> int:
    return sum(1 for _ in WHEELHOUSE.glob("*.whl"))


def _missing(names: list[str]) -> str:
    try:
        missing = system.missing_packages(names)
    except Failure as failure:
        return failure.message
    return f"missing: {' '.join(missing)}" if missing else "all installed"
