# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the locks of the Python packages with uv, for all Pythons at once."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from . import locks
from .paths import ROOT, WHEELHOUSE, tool
from .progress import run

OLDEST_PYTHON = "3.10"
# Locks hold for what wheels are made for; without this uv resolves for every system there is.
ENVIRONMENT = (
    "implementation_name == 'cpython' and platform_machine == 'x86_64' and sys_platform == 'linux'"
)
HEADER = """\
# The lock of {group}.in, for CPython {oldest} and newer on Linux and x86_64.
# Written by ./dev update; do not edit.
"""


def propose(names: list[str], everything: bool) -> dict[str, str]:
    """Resolves what the groups want, all together, so that they agree on versions.

    Args:
        names: The packages that may change; the others keep their pins where they can.
        everything: Whether all packages may change.

    Returns:
        The text of each group's lock.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(f'[tool.uv]\nenvironments = ["{ENVIRONMENT}"]\n')
        together = [group for group in locks.groups() if group not in locks.ALONE]
        joint = folder / "joint.txt"
        joint.write_text(_present(together))
        upgrade = ["--upgrade"] if everything else []
        for package in names:
            upgrade += ["--upgrade-package", package]
        wanted = [locks.wanted_file(group) for group in together]
        _compile(folder, joint, ["pyproject.toml", *wanted], ["--no-annotate", *upgrade])
        for group in together:
            # What is already in the file is kept: every group gets the joint versions.
            target = folder / f"{group}.txt"
            target.write_text(joint.read_text())
            package = ["pyproject.toml"] if group == "test" else []
            _compile(folder, target, [*package, locks.wanted_file(group)], ["--generate-hashes"])
        for group in locks.ALONE:
            target = folder / f"{group}.txt"
            target.write_text(_present([group]))
            options = ["--generate-hashes", "--no-deps", *upgrade]
            _compile(folder, target, [locks.wanted_file(group)], options)
        return {
            group: _finished(group, (folder / f"{group}.txt").read_text())
            for group in locks.groups()
        }


def _present(groups: list[str]) -> str:
    """Returns the pins of some groups, each once."""
    lines: set[str] = set()
    for group in groups:
        lock = locks.lock_file(group)
        for pin in locks.read(lock.read_text("utf-8")) if lock.exists() else ():
            marker = f" ; {pin.marker}" if pin.marker else ""
            lines.add(f"{pin.name}=={pin.version}{marker}\n")
    return "".join(sorted(lines))


def _compile(folder: Path, output: Path, wanted: list[str | Path], options: list[str]) -> None:
    inputs = [path.relative_to(ROOT) if isinstance(path, Path) else path for path in wanted]
    run(
        f"resolving {output.stem}",
        [
            tool("uv"),
            "pip",
            "compile",
            "--quiet",
            "--project",
            folder,
            "--python",
            tool("python"),
            "--python-version",
            OLDEST_PYTHON,
            "--universal",
            "--no-header",
            "--only-binary=:all:",
            *options,
            "--output-file",
            output,
            *inputs,
        ],
        log=f"resolve-{output.stem}",
        network=True,
        extra_environment={"UV_PYTHON_DOWNLOADS": "never", **_indexes(folder)},
    )


def _indexes(folder: Path) -> dict[str, str]:
    """Tells uv where pip looks, and where the PyTorch without CUDA is that was fetched before."""
    listing = subprocess.run(
        [tool("python"), "-m", "pip", "config", "list"], capture_output=True, text=True
    ).stdout
    found = dict(re.findall(r"^\S*\.(index-url|find-links)='(.*)'$", listing, re.M))
    links = folder / "links"
    links.mkdir(exist_ok=True)
    for wheel in WHEELHOUSE.glob("torch-*.whl"):
        if not (links / wheel.name).exists():
            (links / wheel.name).symlink_to(wheel)
    variables = {"UV_FIND_LINKS": ",".join([*found.get("find-links", "").split(), str(links)])}
    if "index-url" in found:
        variables["UV_DEFAULT_INDEX"] = found["index-url"]
    return variables


def _finished(group: str, text: str) -> str:
    """Adds the header, and takes away what holds wherever a lock is used."""
    for clause in ENVIRONMENT.split(" and "):
        text = text.replace(f" and {clause}", "").replace(f" ; {clause} and ", " ; ")
        text = text.replace(f" ; {clause} \\\n", " \\\n")
    return HEADER.format(group=group, oldest=OLDEST_PYTHON) + text
