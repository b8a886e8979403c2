# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway compiles machine-learning models to small, fast shared libraries.

    import fairway

    exe = fairway.compile(model, (x,))   # torch module, ExportedProgram, "model.onnx", ...
    y = exe(x)                           # the types that the model itself returns
    exe.save("model.so")                 # code and weights in one file, model.h beside it
    exe = fairway.load("model.so")       # no framework and no compiler needed

Importing this package loads neither a framework nor the compiler: every public
name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairway.cache import Cache, CacheInfo, CacheWarning
    from fairway.dims import Dim
    from fairway.driver import compile  # noqa: A004 (the public name)
    from fairway.errors import (
        ArtifactError,
        CacheError,
        CompilationError,
        DeviceError,
        Error,
        InvalidArgument,
        InvalidModel,
        MissingDependency,
        TuningError,
        UnsupportedOp,
        WrongResult,
    )
    from fairway.executable import Executable, load
    from fairway.plan import Plan, Step
    from fairway.program import Program, TensorSpec
    from fairway.tuning import tune

    __version__: str

# Public name -> module that defines it.
_LAZY = {
    "ArtifactError": "fairway.errors",
    "Cache": "fairway.cache",
    "CacheError": "fairway.errors",
    "CacheInfo": "fairway.cache",
    "CacheWarning": "fairway.cache",
    "CompilationError": "fairway.errors",
    "DeviceError": "fairway.errors",
    "Dim": "fairway.dims",
    "Error": "fairway.errors",
    "Executable": "fairway.executable",
    "InvalidArgument": "fairway.errors",
    "InvalidModel": "fairway.errors",
    "MissingDependency": "fairway.errors",
    "Plan": "fairway.plan",
    "Program": "fairway.program",
    "Step": "fairway.plan",
    "TensorSpec": "fairway.program",
    "TuningError": "fairway.errors",
    "UnsupportedOp": "fairway.errors",
    "WrongResult": "fairway.errors",
    "compile": "fairway.driver",
    "load": "fairway.executable",
    "tune": "fairway.tuning",
}

__all__ = [
    "ArtifactError",
    "Cache",
    "CacheError",
    "CacheInfo",
    "CacheWarning",
    "CompilationError",
    "DeviceError",
    "Dim",
    "Error",
    "Executable",
    "InvalidArgument",
    "InvalidModel",
    "MissingDependency",
    "Plan",
    "Program",
    "Step",
    "TensorSpec",
    "TuningError",
    "UnsupportedOp",
    "WrongResult",
    "__version__",
    "compile",
    "load",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("fairway")
    elif name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
    else:
        raise AttributeError(f"module 'fairway' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
