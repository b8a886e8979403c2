# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the measurements were taken on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Machine", "describe", "last_level_cache_bytes"]

_CPU = Path("/sys/devices/system/cpu")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Machine:
    """A computer, without anything that names it.

    Attributes:
        processor: The processor's name.
        family: Vendor, family, model and stepping, where the name says little.
        cores: Physical cores that this process may use.
        logical: Logical processors that this process may use.
        caches: Each cache as `L2 Unified 512K`.
        megahertz: The highest frequency, where the system knows it.
        memory_bytes: Memory.
        features: The vector extensions that matter for speed.
        virtual: Whether it is a virtual machine.
        huge_pages: The system's policy of transparent huge pages.
        system: Kernel and Python.
    """

    processor: str
    family: str
    cores: int
    logical: int
    caches: tuple[str, ...]
    megahertz: int | None
    memory_bytes: int
    features: tuple[str, ...]
    virtual: bool
    huge_pages: str
    system: str


_FEATURES = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")


def describe() -> Machine:
    """Reads what the system says about this machine."""
    from fairway import _runtime

    info = _cpu_info()
    flags = (info.get("flags") or info.get("Features") or "").split()
    family = ", ".join(
        f"{key.removeprefix('cpu ')} {info[key]}"
        for key in ("vendor_id", "cpu family", "model", "stepping")
        if key in info
    )
    return Machine(
        processor=info.get("model name", platform.machine()),
        family=family.removeprefix("vendor_id "),
        cores=_runtime.default_threads(),
        logical=len(os.sched_getaffinity(0)),
        caches=tuple(f"L{level} {kind} {size}" for level, kind, size in _caches()),
        megahertz=_megahertz(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        features=tuple(name for name in _FEATURES if name in flags),
        virtual="hypervisor" in flags,
        huge_pages=_selected(_read(Path("/sys/kernel/mm/transparent_hugepage/enabled"))),
        system=f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}",
    )


def last_level_cache_bytes() -> int | None:
    """The size of the cache before memory; None where the system does not say."""
    sizes = [(level, size) for level, kind, size in _caches() if kind != "Instruction"]
    if not sizes:
        return None
    text = max(sizes)[1]
    number = text.rstrip("KMG")
    return int(number) * _UNITS.get(text[-1], 1) if number.isdecimal() else None


def _caches() -> list[tuple[str, str, str]]:
    found = [
        (_read(index / "level"), _read(index / "type"), _read(index / "size"))
        for index in sorted((_CPU / "cpu0" / "cache").glob("index*"))
    ]
    return [cache for cache in found if all(cache)]


def _megahertz() -> int | None:
    text = _read(_CPU / "cpu0" / "cpufreq" / "cpuinfo_max_freq")
    return int(text) // 1000 if text.isdecimal() else None


def _cpu_info() -> dict[str, str]:
    first = _read(Path("/proc/cpuinfo")).partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _selected(text: str) -> str:
    """The choice in brackets of `always [madvise] never`."""
    return text.partition("[")[2].partition("]")[0] or "unknown"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
