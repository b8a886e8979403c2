# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What this installation can do here, and what it lacks."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

__all__ = ["Check", "examine", "include_folder", "runtime_folder"]

# The features that decide how fast models run, of all that a processor has.
_FEATURES = (
    *("sse4.2", "avx", "f16c", "avx2", "fma", "avxvnni"),
    *("avx512f", "avx512bw", "avx512vnni", "avx512bf16", "avx512fp16", "amx-tile"),
    *("neon", "dotprod", "fullfp16", "bf16", "i8mm", "sve", "sve2", "sme"),
)

Status = Literal["ok", "missing", "problem"]

_FRAMEWORKS = {
    "torch": "imports torch.nn modules: pip install torch",
    "onnx": "imports ONNX models: pip install onnx",
}


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        status: `ok`; `missing`, something optional is not there; `problem`, something
            that Fairway needs does not work.
        detail: What was found.
        hint: What to do; empty if nothing.
    """

    name: str
    status: Status
    detail: str
    hint: str = ""


def examine() -> list[Check]:
    """Looks at everything. Imports no framework; takes well under a second."""
    checks = [
        _guarded("fairway", _version, "reinstall fairway"),
        Check("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        Check("processors", "ok", _processors()),
        _guarded("compiler", _compiler, "reinstall fairway: its compiler does not load"),
        _guarded("machine", _machine, "reinstall fairway: its compiler does not load"),
        _guarded("runtime", _runtime, "reinstall fairway: its runtime does not load"),
        _guarded("C interface", _c_interface, "reinstall fairway: its headers are missing"),
    ]
    checks += [_framework(name, hint) for name, hint in _FRAMEWORKS.items()]
    checks += [
        _guarded("importers", _importers, "reinstall fairway"),
        _guarded("targets", _targets, "reinstall fairway, or remove the package that fails"),
        _guarded("cache", _cache, "set FAIRWAY_CACHE_DIR to a writable folder"),
    ]
    return checks


def include_folder() -> Path:
    """The folder to give to a C compiler with -I."""
    return _package() / "include"


def runtime_folder() -> Path:
    """The folder that holds libfairway_runtime.so.

    Raises:
        FileNotFoundError: It is not there.
    """
    for folder in (_package() / "lib", _package()):
        if (folder / "libfairway_runtime.so").exists():
            return folder
    raise FileNotFoundError("libfairway_runtime.so is not in the package")


def _package() -> Path:
    return Path(__file__).parent


def _guarded(name: str, find: Callable[[], str], hint: str) -> Check:
    """A check whose failure is a finding, whatever the failure is."""
    try:
        return Check(name, "ok", find())
    except Exception as error:
        return Check(name, "problem", f"{type(error).__name__}: {error}", hint)


def _version() -> str:
    return f"{metadata.version('fairway')} in {_package()}"


def _processors() -> str:
    usable, total = len(os.sched_getaffinity(0)), os.cpu_count()
    return f"{usable} of {total} usable, {platform.machine()}"


def _compiler() -> str:
    from fairway.targets import get

    machine = get("cpu").machine("host", None, None)
    present = machine.features.split(",")
    features = [name for name in _FEATURES if f"+{name}" in present]
    return f"{machine.triple}, {machine.cpu} with {' '.join(features) or 'no vector extensions'}"


def _machine() -> str:
    from fairway.targets import get

    known = get("cpu").machine("host", None, None).description
    caches = [f"{known[f'l{level}_bytes'] / 1024:,.0f} KiB" for level in (1, 2, 3)]
    peak = 2 * known["vector_bits"] / 32 * known["fma_ports"] * known["ghz"]
    return (
        f"{known['vector_bits']:.0f}-bit vectors, {caches[0]} L1, {caches[1]} L2, {caches[2]} L3 "
        f"for {known['l3_cores']:.0f} cores, about {peak:.0f} GFLOP/s a core"
    )


def _runtime() -> str:
    from fairway import _runtime as native

    return f"{runtime_folder() / 'libfairway_runtime.so'}, {native.default_threads()} threads"


def _c_interface() -> str:
    header = include_folder() / "fairway" / "Runtime" / "runtime.h"
    if not header.is_file():
        raise FileNotFoundError(str(header))
    return str(header)


def _framework(name: str, hint: str) -> Check:
    if util.find_spec(name) is None:
        return Check(name, "missing", "not installed", hint)
    try:
        return Check(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, "ok", "version unknown")


def _importers() -> str:
    from fairway.ingest import importers

    return ", ".join(importers())


def _targets() -> str:
    from fairway.targets import available

    return ", ".join(available())


def _cache() -> str:
    from fairway.cache import Cache

    info = Cache.default().info()
    folder = next(parent for parent in (info.folder, *info.folder.parents) if parent.exists())
    with tempfile.TemporaryFile(dir=folder):
        pass
    return f"{info.folder}, {info.entries} compiled models"
