# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The one door to torch-mlir, which brings an LLVM of its own.

The wheel carries it in `fairway/_vendor`. That folder is on `sys.path` only while
torch-mlir is imported, and a torch-mlir that the process has already loaded is used as
it is, because two copies of it cannot share a process.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import threading
import types
from collections.abc import Generator
from pathlib import Path
from typing import Any

from fairway.errors import MissingDependency

__all__ = ["folder", "import_torch_mlir", "is_available", "register_torch_dialect"]

_VENDOR = Path(__file__).resolve().parent.parent / "_vendor"
_CLASSES = "torch_mlir.dialects.torch"
_lock = threading.RLock()


def import_torch_mlir(module: str) -> Any:
    """Imports a submodule of torch-mlir, such as `ir` or `extras.fx_importer`.

    Raises:
        MissingDependency: torch-mlir is not there, or is not complete.
    """
    with _lock, _vendored_first():
        try:
            return importlib.import_module(f"torch_mlir.{module}")
        except ImportError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in ("", "torch_mlir"):
                raise MissingDependency(
                    f"torch-mlir's {module} needs the package '{missing}', which is not installed",
                    hint=f"pip install {missing}",
                ) from error
            raise MissingDependency(
                f"the importer library torch-mlir cannot be loaded ({error})",
                hint="reinstall fairway from its wheel, which contains torch-mlir",
            ) from error


def register_torch_dialect(context: Any) -> None:
    """Makes torch-mlir's dialects known to a context.

    torch-mlir has a Python class for each of a thousand operations and would load them
    all once it meets one, which takes a second and 110 MB. Fairway makes and reads
    operations by name, so the classes wait until somebody asks for one.
    """
    native = import_torch_mlir("_mlir_libs._torchMlir")
    with _lock:
        sys.modules.setdefault(_CLASSES, _Deferred(_CLASSES))
    native.register_dialect(context)


class _Deferred(types.ModuleType):
    """Stands for a module that is loaded when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _lock:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            return getattr(importlib.import_module(self.__name__), name)


def is_available() -> bool:
    """Whether torch-mlir can be found, without loading it."""
    if "torch_mlir" in sys.modules or (_VENDOR / "torch_mlir").is_dir():
        return True
    return importlib.util.find_spec("torch_mlir") is not None


def folder() -> Path | None:
    """Where torch-mlir is, without loading it; `None` if it is nowhere."""
    if "torch_mlir" not in sys.modules and (_VENDOR / "torch_mlir").is_dir():
        return _VENDOR / "torch_mlir"
    spec = importlib.util.find_spec("torch_mlir")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


@contextlib.contextmanager
def _vendored_first() -> Generator[None, None, None]:
    """Lets `import torch_mlir` find the vendored copy first."""
    path = str(_VENDOR)
    if "torch_mlir" in sys.modules or not (_VENDOR / "torch_mlir").is_dir():
        yield
        return
    sys.path.insert(0, path)
    try:
        yield
    finally:
        sys.path.remove(path)
