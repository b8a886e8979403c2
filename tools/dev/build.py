# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the wheel, and the programs that only the tests need."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from . import stamps
from .failure import Failure
from .paths import BUILD, WHEELS, tool
from .progress import run, say

# What the wheel is made from. What is not listed here can change without a build.
NATIVE_INPUTS = [
    "CMakeLists.txt",
    "cmake",
    "conan.lock",
    "conanfile.py",
    "include",
    "lib",
    "python/CMakeLists.txt",
    "python/bindings",
    "python/mlir",
    "third_party",
]
INPUTS = [
    *NATIVE_INPUTS,
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "python/fairway",
    "tools/packaging",
]
TEST_INPUTS = [*NATIVE_INPUTS, "tools/CMakeLists.txt", "tools/fairway-opt", "tests/unit", "tests/c"]
SIZE_LIMIT = 100e6
# A build folder remembers where its LLVM is, so each kind of LLVM has its own.
SOURCE_SETTINGS = (
    "--config-settings=cmake.define.FAIRWAY_LLVM_PROVIDER=source",
    "--config-settings=build-dir=build/{wheel_tag}-source",
)


def ensure_wheel(from_source: bool = False) -> Path:
    """Builds the wheel unless there is one of these very sources.

    Args:
        from_source: Whether it is made with an LLVM that was built here.

    Returns:
        The wheel's path.
    """
    wanted = stamps.digest(INPUTS, sys.version, *(["source"] if from_source else []))
    found = sorted(WHEELS.glob(f"fairway-*-{python_tag()}-*.whl"))
    if len(found) == 1 and stamps.is_current(stamp(), wanted):
        say(f"the wheel is current: {describe(found[0])}")
        return found[0]
    stamps.clear(stamp())
    for old in found:
        old.unlink()
    run(
        "building the wheel (the first time takes minutes)",
        [
            tool("python"),
            "-m",
            "pip",
            "wheel",
            "--verbose",
            "--no-build-isolation",
            "--no-deps",
            "--wheel-dir",
            WHEELS,
            *(SOURCE_SETTINGS if from_source else ()),
            ".",
        ],
        log="wheel",
    )
    (wheel,) = WHEELS.glob(f"fairway-*-{python_tag()}-*.whl")
    if wheel.stat().st_size > SIZE_LIMIT:
        raise Failure(f"the wheel is larger than {SIZE_LIMIT / 1e6:.0f} MB: {describe(wheel)}")
    stamps.save(stamp(), wanted)
    say(f"built {describe(wheel)}")
    return wheel


def python_tag() -> str:
    """Returns the tag of the wheel that serves the running Python, as in its name."""
    return f"cp3{min(sys.version_info[1], 12)}"


def stamp() -> str:
    """Returns the name under which it is noted what the wheel was built from."""
    return f"wheel-{python_tag()}"


def describe(wheel: Path) -> str:
    """Returns a wheel's name and size."""
    with zipfile.ZipFile(wheel) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    return f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB ({unpacked / 1e6:.0f} MB installed)"


def build_folder(from_source: bool = False) -> Path:
    """Returns CMake's build folder of the running Python's wheel.

    Args:
        from_source: Whether that of an LLVM that was built here is meant.

    Raises:
        Failure: If no wheel has been built yet.
    """
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for folder in sorted(BUILD.glob(f"{tag}-*")):
        if folder.name.endswith("-source") == from_source:
            return folder
    raise Failure("nothing has been built yet", "run ./dev build first")


def ensure_test_programs(from_source: bool = False) -> None:
    """Builds fairway-opt and the C++ tests, in the wheel's own build folder.

    Args:
        from_source: Whether they are made with an LLVM that was built here.
    """
    folder = build_folder(from_source)
    wanted = stamps.digest(TEST_INPUTS, sys.version, folder.name)
    if stamps.is_current("test-programs", wanted):
        return
    stamps.clear("test-programs")
    run(
        "building fairway-opt and the C++ tests",
        [tool("cmake"), "--build", folder],
        log="test-programs",
    )
    stamps.save("test-programs", wanted)
