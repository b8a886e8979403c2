# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds of one model that differ in how its kernels are made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.errors import ArtifactError
from fairway.executable import mapped_errors, open_native
from fairway.program import Program
from fairway.targets import Request, Tunable
from fairway.tuning.config import KernelConfig

if TYPE_CHECKING:
    from fairway import _runtime

__all__ = ["Build", "Workshop"]


@dataclass(frozen=True)
class Build:
    """One build.

    Attributes:
        native: It, ready to run.
        library: Its file.
    """

    native: _runtime.Model
    library: Path


class Workshop:
    """Compiles a model again and again, past the cache.

    Args:
        program: The model.
        request: What to compile for; its configurations are replaced.
        target: The target.
        folder: An empty folder for the libraries, which must outlive what is loaded.
    """

    def __init__(self, program: Program, request: Request, target: Tunable, folder: Path) -> None:
        self._program = program
        self._request = request
        self._target = target
        self._folder = folder
        self._count = 0

    def build(
        self, configs: Mapping[str, KernelConfig], report: Callable[[str], None] = lambda _: None
    ) -> Build:
        """The model with some kernels configured, ready to run.

        Args:
            configs: Configurations by the kernels' ids; the cost models decide the rest.
            report: Called with the name of each stage as it begins.

        Raises:
            CompilationError: The compiler failed.
        """
        request = replace(self._request, configs={k: str(c) for k, c in configs.items()})
        code, library = self._next("code.o"), self._next("code.so")
        code.write_bytes(self._target.compile(self._program.module, request, report))
        self._target.link([code], library)
        code.unlink()
        return self._load(library)

    def twin(self, build: Build) -> Build:
        """The same once more, in memory of its own."""
        library = self._next("code.so")
        shutil.copyfile(build.library, library)
        return self._load(library)

    def _next(self, name: str) -> Path:
        self._count += 1
        return self._folder / f"{self._count}-{name}"

    def _load(self, library: Path) -> Build:
        with mapped_errors(ArtifactError):
            native = open_native(library)
            native.set_parameters([self._program.arrays[info.name] for info in native.parameters])
            native.prepare(self._request.threads)
        return Build(native, library)
