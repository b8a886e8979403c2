# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`./dev wheel`: the wheels that are published, checked, for each Python, and twice the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from . import build, environments, stamps
from .failure import Failure
from .locks import lock_file
from .paths import BUILD, ROOT, tool
from .progress import environment, run, say

CHECKS_VENV = BUILD / "venv-wheel"


def interpreter(version: str) -> Path:
    """Finds a CPython: on PATH, or where pyenv keeps those that are not on it.

    Args:
        version: As `3.12`.

    Raises:
        Failure: If there is none that runs.
    """
    name = f"python{version}"
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [Path(folder, name) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    found += sorted(root.glob(f"versions/{version}.*/bin/{name}"))
    for program in found:
        # pyenv's shims are there for every version and fail for those that are not chosen.
        if os.access(program, os.X_OK) and not _fails([str(program), "-c", ""]):
            return program
    raise Failure(f"Python {version} is not here", f"install it, or leave {version} out")


def _fails(command: list[str]) -> bool:
    return bool(subprocess.run(command, capture_output=True).returncode)


def build_for(versions: list[str], options: list[str]) -> None:
    """Builds the wheels for several Pythons, each by a `./dev` that runs on it.

    Args:
        versions: As `3.12`; what is missing is told before anything is built.
        options: Those of `./dev wheel` that each of them gets.
    """
    programs = [interpreter(version) for version in versions]
    for version, program in zip(versions, programs):
        run(
            f"the wheel for Python {version}",
            [program, ROOT / "dev", "wheel", *options],
            log=f"wheel-{version}",
            show=True,
            network=True,
        )


def check(wheel: Path) -> None:
    """Checks that a wheel may be published: its tag, its metadata, its use of the stable ABI."""
    wanted = stamps.digest([lock_file("wheel")], sys.version)
    if not stamps.is_current("checks", wanted):
        shutil.rmtree(CHECKS_VENV, ignore_errors=True)
        run("creating an environment", [sys.executable, "-m", "venv", CHECKS_VENV], log="venv")
        environments.install(CHECKS_VENV / "bin" / "python", "wheel")
        stamps.save("checks", wanted)
    if "-manylinux_" not in wheel.name:
        raise Failure(
            f"{wheel.name} works on this machine only",
            "build/logs/wheel.log tells which symbols auditwheel found to be too new",
        )
    twine = CHECKS_VENV / "bin" / "twine"
    run("checking its metadata", [twine, "check", "--strict", wheel], log="twine")
    if "-abi3-" in wheel.name:
        abi3audit = [CHECKS_VENV / "bin" / "abi3audit", "--strict", "--report", wheel]
        run("checking its use of the stable ABI", abi3audit, log="abi3audit")


def check_reproducible(wheel: Path, from_source: bool = False) -> None:
    """Builds the commit's wheel again, elsewhere and otherwise, and compares.

    Args:
        wheel: The first one, from this tree, which must hold no changes.
        from_source: Whether it was made with an LLVM that was built here.

    Raises:
        Failure: If a byte differs; it names the members.
    """
    if "dirty" in wheel.name:
        raise Failure("the tree holds changes, so a clone differs", "commit them first")
    with tempfile.TemporaryDirectory(prefix="fairway-again-", ignore_cleanup_errors=True) as name:
        clone = Path(name, "clone")
        run("cloning", ["git", "clone", "--quiet", str(ROOT), str(clone)], log="again-clone")
        command: list[str | Path] = [tool("python"), "-m", "pip", "wheel", "--verbose"]
        command += build.SOURCE_SETTINGS if from_source else ()
        command += ["--no-build-isolation", "--no-deps", "--wheel-dir", Path(name, "wheels"), clone]
        run(
            "building the wheel again, in another folder (minutes)",
            command,
            log="again",
            extra_environment={"CCACHE_DISABLE": "1", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"},
        )
        (again,) = Path(name, "wheels").glob("*.whl")
        found = differences(wheel, again)
        if found:
            raise Failure(f"built again, the wheel is another one: {'; '.join(found)}")
    say(f"built twice, to the last bit the same: sha256 {_sum(wheel.read_bytes())}")


def differences(first: Path, second: Path) -> list[str]:
    """Says in which ways two wheels differ; nothing if they are the same bytes."""
    found = [] if first.name == second.name else [f"{first.name} is called {second.name}"]
    if first.read_bytes() == second.read_bytes():
        return found
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as two:
        members = [{info.filename: info for info in file.infolist()} for file in (one, two)]
        for name in sorted(members[0].keys() ^ members[1].keys()):
            found.append(f"{name} is in one only")
        for name in sorted(members[0].keys() & members[1].keys()):
            if one.read(name) != two.read(name):
                found.append(f"{name} has another content")
            elif _attributes(members[0][name]) != _attributes(members[1][name]):
                found.append(f"{name} has another time or mode")
        if list(members[0]) != list(members[1]):
            found.append("the members are in another order")
    return found or ["the archives are compressed differently"]


def _attributes(info: zipfile.ZipInfo) -> tuple[object, ...]:
    return info.date_time, info.external_attr, info.compress_type


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def source_version() -> str:
    """Returns the version that a wheel of these sources has now."""
    script = ROOT / "tools" / "packaging" / "source_version.py"
    done = subprocess.run(
        [sys.executable, script], env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def current(from_source: bool = False) -> Path:
    """Builds the running Python's wheel unless there is one of this very commit.

    Args:
        from_source: Whether it is made with an LLVM that was built here.
    """
    wheel = build.ensure_wheel(from_source)
    if f"-{source_version()}-" in wheel.name:
        return wheel
    stamps.clear(build.stamp())  # the same sources, but another commit's name
    return build.ensure_wheel(from_source)
