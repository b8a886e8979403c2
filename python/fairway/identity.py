# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which build of Fairway this is, for the cache: a version number does not tell builds apart."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

__all__ = ["build_identity", "compiler_identity", "library_identity", "native_libraries"]

_PACKAGE = Path(__file__).resolve().parent
# A note of 4 + 20 bytes of type 3 by GNU: the build id that linkers leave by default.
_BUILD_ID = re.compile(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})", re.DOTALL)


@functools.cache
def build_identity() -> str:
    """A sum over the compiler, the importers, torch-mlir and all options' defaults.

    Returns:
        A hexadecimal number; another one for every build whose code may differ.
    """
    from fairway.ingest import torch_mlir_folder

    sources = [*_PACKAGE.glob("*.py"), *_PACKAGE.glob("ingest/*.py")]
    folder = torch_mlir_folder()
    if folder is not None:
        sources += folder.glob("extras/*.py")
    parts = [f"{path.name} {_sum(path)}" for path in sorted(sources)]
    parts += [f"{path.name} {library_identity(path)}" for path in native_libraries()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@functools.cache
def compiler_identity() -> str:
    """The same over the compiler alone: builds of one identity make equal code of equal text."""
    return " ".join(library_identity(path) for path in _compiler_libraries())


def native_libraries() -> list[Path]:
    """The libraries that compiling needs and running does not: the compiler, torch-mlir."""
    from fairway.ingest import torch_mlir_folder

    folder = torch_mlir_folder()
    others = folder.glob("_mlir_libs/lib*CAPI.so") if folder is not None else ()
    return [*_compiler_libraries(), *sorted(others)]


def _compiler_libraries() -> list[Path]:
    return sorted(_PACKAGE.glob("mlir/_mlir_libs/lib*CAPI.so"))


def library_identity(path: Path) -> str:
    """The build id that the linker gave a library, or else a sum of its bytes."""
    with path.open("rb") as file:
        found = _BUILD_ID.search(file.read(4096))  # notes come right after the headers
    return found[1].hex() if found else _sum(path)


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
