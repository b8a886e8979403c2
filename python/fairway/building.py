# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a model's text to loaded code: compile and link, or find it in the cache."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway.cache import Cache, CacheWarning, content_key
from fairway.errors import ArtifactError, CacheError, CompilationError
from fairway.executable import open_native
from fairway.identity import build_identity
from fairway.saving import Code
from fairway.targets import Request, Target

if TYPE_CHECKING:
    from fairway import _runtime

__all__ = ["Builder", "Built", "cache_key"]

_OBJECT, _LIBRARY = "code.o", "code.so"


@dataclass(frozen=True)
class Built:
    """Loaded code.

    Attributes:
        native: It, without parameters.
        code: Its objects, to link it again with weights.
        key: Its name in the cache; None where it is not there.
    """

    native: _runtime.Model
    code: Code
    key: str | None = None


class Builder:
    """Makes code for one target, or finds it in the cache.

    The cache knows code by the model's text, and also by the key of the model as it was
    before lowering (`ingest.source.Source.key`), so that a model that was compiled before
    is not even lowered.

    Args:
        target: What to compile for.
        cache: Where to look and to keep; None for nowhere.
        report: Called with the name of each stage as it begins.
    """

    def __init__(self, target: Target, cache: Cache | None, report: Callable[[str], None]) -> None:
        self._target = target
        self._cache = cache
        self._report = report

    def find(self, source: str | None, options: Request) -> Built | None:
        """Finds the code of a model that has not been lowered.

        Args:
            source: The model's key; None finds nothing.
            options: What to compile for; its metadata does not count.
        """
        if self._cache is None or source is None:
            return None
        key = self._cache.follow(self._source_key(source, options))
        folder = self._cache.get(key) if key is not None else None
        if key is None or folder is None:
            return None
        self._report("found in the cache")
        return self._opened(key, folder)

    def remember(self, source: str | None, options: Request, built: Built) -> None:
        """Lets `find` find code; for what it found and what is in no cache it does nothing."""
        if self._cache is None or source is None or built.key is None:
            return
        key = self._source_key(source, options)
        if self._cache.follow(key) != built.key:
            self._cache.link(key, built.key)

    def build(self, module: str, request: Request) -> Built:
        """Loads the code of a model's text from the cache, or makes it.

        Raises:
            UnsupportedOp: The target cannot compile the model.
            CompilationError: The compiler failed.
            CacheError: There is nowhere to write code to.
        """
        objects: list[bytes] = []

        def write(folder: Path) -> None:
            if not objects:  # compiled once, even if the cache cannot take it
                objects.append(self._target.compile(module, request, self._report))
            (folder / _OBJECT).write_bytes(objects[0])
            try:
                self._target.link([folder / _OBJECT], folder / _LIBRARY)
            except CompilationError as error:
                if shutil.disk_usage(folder).free > 4 * len(objects[0]):
                    raise
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error

        if self._cache is not None:
            key = cache_key(module, self._target.name, request)
            with self._cache.lock(key):
                found = self._through_cache(self._cache, key, write)
            if found is not None:
                return found
        return self._without_cache(write, objects)

    def _without_cache(self, write: Callable[[Path], None], objects: list[bytes]) -> Built:
        """Compiles into a temporary folder, which goes once the code is loaded."""
        try:
            with tempfile.TemporaryDirectory(prefix="fairway-", ignore_cleanup_errors=True) as name:
                write(Path(name))
                return Built(open_native(Path(name) / _LIBRARY), Code(objects[0], self._target))
        except OSError as error:
            raise CacheError(
                f"there is no folder to write compiled code to: {error.strerror or error}",
                hint="free space in the temporary folder, or set TMPDIR to another one",
            ) from error

    def _through_cache(self, cache: Cache, key: str, write: Callable[[Path], None]) -> Built | None:
        """Finds or adds an entry and loads it; None where the cache cannot be used."""
        folder = cache.get(key)
        if folder is not None:
            self._report("found in the cache")
        else:
            try:
                folder = cache.put(key, write)
            except OSError as error:
                warnings.warn(_no_cache(cache, error), CacheWarning, stacklevel=4)
                return None
        return self._opened(key, folder)

    def _opened(self, key: str, folder: Path) -> Built | None:
        try:
            code = Code((folder / _OBJECT).read_bytes(), self._target)
            return Built(open_native(folder / _LIBRARY), code, key)
        except (OSError, ArtifactError):
            if folder.exists():
                raise
            return None  # another process has just removed it

    def _source_key(self, source: str, options: Request) -> str:
        fields = {"source": source, "target": self._target.name, "build": build_identity()}
        return content_key({**fields, "request": options.to_json()})


def cache_key(module: str, target: str, request: Request) -> str:
    """The content address of compiled code: the model's text, all options, the compiler.

    Source locations are left out: a model that has only moved within its file, or to
    another folder, has the same code.
    """
    text = _without_locations(module)
    fields = {"module": text, "target": target, "build": build_identity()}
    return content_key({**fields, "request": request.to_json()})


def _without_locations(module: str) -> str:
    ir: Any = importlib.import_module("fairway.mlir.ir")  # built, not in the source tree
    try:
        with ir.Context():
            return ir.Module.parse(module).operation.get_asm(enable_debug_info=False)
    except ir.MLIRError:  # the compiler will say what is wrong with it
        return module


def _no_cache(cache: Cache, error: OSError) -> str:
    return (
        f"the compilation cache cannot be used: {error.strerror or error} ({cache.folder}); "
        "going on without it. Set FAIRWAY_CACHE_DIR to a writable folder with space, or pass "
        "cache=False."
    )
