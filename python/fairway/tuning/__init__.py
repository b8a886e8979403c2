# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tuning: other ways to make a model's kernels, chosen by measuring them.

`tune` runs a `Session`, which asks a `Workshop` for builds with other configurations,
measures them in turns with the default, and returns what it found; winners go to the
`Database`, where `fairway.compile` finds them. docs/tuning.md explains it to users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairway.tuning.config import KernelConfig
from fairway.tuning.database import Database, Record, TuningWarning

if TYPE_CHECKING:
    from fairway.tuning.api import tune
    from fairway.tuning.result import KernelResult, Trial, TuningResult
    from fairway.tuning.session import Settings

__all__ = [
    "Database",
    "KernelConfig",
    "KernelResult",
    "Record",
    "Settings",
    "Trial",
    "TuningResult",
    "TuningWarning",
    "tune",
]

# What loads the compiler is imported when it is first used: compiling needs only the rest.
_LAZY = {
    "KernelResult": "fairway.tuning.result",
    "Settings": "fairway.tuning.session",
    "Trial": "fairway.tuning.result",
    "TuningResult": "fairway.tuning.result",
    "tune": "fairway.tuning.api",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used (PEP 562)."""
    import importlib

    if name not in _LAZY:
        raise AttributeError(f"module 'fairway.tuning' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
