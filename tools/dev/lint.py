# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every linter, says which of them complain: `python -m dev.lint`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import stamps
from .paths import ROOT

CXX_ENDINGS = (".c", ".cpp", ".h")
LLVM = Path("/usr/lib/llvm-22/bin")


def sources(endings: tuple[str, ...], folders: Iterable[str]) -> list[str]:
    """Returns the files of this kind that belong to the tree."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [name for name in listing if name.endswith(endings) and (ROOT / name).exists()]


def main() -> int:
    """Runs the linters one after the other; the exit status is 1 if any complains."""
    parser = argparse.ArgumentParser(prog="dev.lint")
    parser.add_argument("--python", help="the interpreter whose packages pyright sees")
    arguments = parser.parse_args()
    python = ["--pythonpath", arguments.python] if arguments.python else []
    cxx = sources(CXX_ENDINGS, ["include", "lib", "python", "tests", "tools"])
    checks = {
        "ruff format": lambda: _call(["ruff", "format", "--check", "."]),
        "ruff check": lambda: _call(["ruff", "check", "."]),
        "pyright": lambda: _call(["pyright", *python]),
        "clang-format": lambda: _call([_llvm("clang-format"), "--dry-run", "-Werror", *cxx]),
        "clang-tidy": _clang_tidy,
    }
    failed: list[str] = []
    for name, check in checks.items():
        start = time.monotonic()
        print(f"lint: {name} ...", flush=True)
        good = check()
        print(
            f"lint: {name}: {'ok' if good else 'FAILED'} ({time.monotonic() - start:.0f} s)",
            flush=True,
        )
        if not good:
            failed.append(name)
    print(
        f"lint: {len(checks) - len(failed)} of {len(checks)} linters are content"
        + (f"; not: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


def _llvm(name: str) -> str:
    return shutil.which(f"{name}-22") or str(LLVM / name)


def _call(command: list[str]) -> bool:
    return subprocess.run(command, cwd=ROOT).returncode == 0


def _clang_tidy() -> bool:
    """Runs clang-tidy on each source that changed, or includes a header that did."""
    folder = os.environ.get("FAIRWAY_BUILD_FOLDER", "")
    if not (ROOT / folder / "compile_commands.json").is_file():
        print("clang-tidy: no build to read the compile commands from; run ./dev build first")
        return False
    headers = stamps.digest([".clang-tidy", *sources((".h", ".td"), ["include", "lib"])])

    def check(name: str) -> tuple[str, str]:
        stamp = "tidy-" + name.replace("/", "_")
        content = stamps.digest([name], headers)
        if stamps.is_current(stamp, content):
            return name, ""
        done = subprocess.run(
            [_llvm("clang-tidy"), "--quiet", "-p", folder, "--warnings-as-errors=*", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            stamps.save(stamp, content)
            return name, ""
        return name, done.stdout + done.stderr

    names = sources((".cpp",), ["lib"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = [(name, text) for name, text in pool.map(check, names) if text]
    for name, text in bad:
        print(f"clang-tidy: {name}\n{text}")
    print(f"clang-tidy: {len(names) - len(bad)} of {len(names)} files are clean")
    return not bad


if __name__ == "__main__":
    sys.exit(main())
