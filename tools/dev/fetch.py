# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Downloads what is pinned: the only step of `./dev` that asks the network, apart from apt."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from . import locks, stamps, third_party
from .failure import Failure
from .paths import BUILD, ROOT, WHEELHOUSE, tool
from .progress import run

TORCH_MLIR = ROOT / "third_party" / "recipes" / "torch-mlir" / "all" / "conandata.yml"
PYTORCH_HINT = (
    "where only PyTorch is missing: its build without CUDA is not on every package index; give "
    "pip PyTorch's own index of such builds (PIP_EXTRA_INDEX_URL) or a folder with the wheel "
    "(PIP_FIND_LINKS)"
)


def forget() -> None:
    """Makes the next calls look again at everything, whatever was fetched before."""
    for name in (*locks.groups(), "native"):
        stamps.clear(f"fetched-{name}")


def ensure_group(group: str) -> None:
    """Downloads the packages of a group's lock for the running Python, unless they are there.

    Args:
        group: The group's name; .venv must exist.
    """
    lock = locks.lock_file(group)
    wanted = stamps.digest([lock], sys.version)
    if stamps.is_current(f"fetched-{group}", wanted) and WHEELHOUSE.is_dir():
        return
    stamps.clear(f"fetched-{group}")
    options = ["--no-deps"] if group in locks.ALONE else []
    _download(f"downloading the packages of {lock.name}", group, [*options, "-r", lock])
    stamps.save(f"fetched-{group}", wanted)


def ensure_native(every_python: bool = False) -> None:
    """Downloads what the recipes of third_party/ are made from, unless it is there.

    Args:
        every_python: Whether to get torch-mlir for all Pythons and not only the running one.

    Raises:
        Failure: If something cannot be had, or is not what is pinned.
    """
    extra = (sys.version, str(third_party.home()), str(every_python))
    wanted = stamps.digest(["third_party", "conan.lock"], *extra)
    if stamps.is_current("fetched-native", wanted) and WHEELHOUSE.is_dir():
        return
    stamps.clear("fetched-native")
    third_party.fetch_sources()
    for version, tag, digest in torch_mlir_wheels():
        if not (every_python or tag == torch_mlir_tag(sys.version_info[1])):
            continue
        requirements = BUILD / f"torch-mlir-{tag}.txt"
        requirements.write_text(f"torch-mlir=={version} --hash=sha256:{digest}\n", "utf-8")
        _download(
            f"downloading torch-mlir {version} ({tag})",
            "torch-mlir",
            ["--no-deps", *python_options(tag), "-r", requirements],
        )
    stamps.save("fetched-native", wanted)


def torch_mlir_tag(minor: int) -> str:
    """Returns the tag of the torch-mlir wheel that serves CPython 3.minor."""
    return f"cp3{minor}" if minor < 12 else "cp312-abi3"


def python_options(tag: str) -> list[str]:
    """Returns pip's options that choose a wheel by its tag, whatever Python runs pip."""
    minor = tag.split("-")[0].removeprefix("cp3")
    return ["--implementation", "cp", "--python-version", f"3.{minor}"]


def describe(title: str, log: str, requirements: Iterable[str], options: list[str]) -> list[Any]:
    """Asks the index which wheels pip would install, and installs none.

    Args:
        title: What is told meanwhile.
        log: The log's name.
        requirements: Names, with versions or without; what they need in turn is left out.
        options: pip's options that choose another Python than .venv's.

    Returns:
        The `install` list of pip's installation report: metadata and download of each.
    """
    report = BUILD / f"{log}.json"
    run(
        title,
        [
            *(tool("python"), "-m", "pip", "install", "--dry-run", "--quiet"),
            *("--ignore-installed", "--no-deps", "--only-binary=:all:"),
            *options,
            *("--target", BUILD / "nowhere"),  # pip wants one for another Python
            *("--report", report),
            *requirements,
        ],
        log=log,
        network=True,
    )
    return json.loads(report.read_text("utf-8"))["install"]


def torch_mlir_wheels() -> list[tuple[str, str, str]]:
    """Returns version, tag and SHA-256 of each wheel that torch-mlir's recipe pins.

    Raises:
        Failure: If the recipe's data are not laid out as expected.
    """
    text = TORCH_MLIR.read_text("utf-8")
    block = re.search(r'^wheels:\n  "([^"]+)":\n((?:    "cp.*\n)+)', text, re.M)
    if not block:
        raise Failure(f"{TORCH_MLIR.relative_to(ROOT)} names no wheels")
    pins = re.findall(r'^    "(cp[^"]+)": "([0-9a-f]{64})"$', block[2], re.M)
    return [(block[1], tag, digest) for tag, digest in pins]


def _download(title: str, log: str, arguments: list[object]) -> None:
    run(
        title,
        [
            tool("python"),
            "-m",
            "pip",
            "download",
            "--require-hashes",
            "--only-binary=:all:",
            "--dest",
            WHEELHOUSE,
            *map(str, arguments),
        ],
        log=f"fetch-{log}",
        network=True,
        hint=f"check the network, then run this again; {PYTORCH_HINT}" if log == "test" else None,
    )
