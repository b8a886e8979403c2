# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writing a compiled model to disk: model.so and model.h, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fairway import header
from fairway.errors import ArtifactError, CompilationError
from fairway.targets import Target

if TYPE_CHECKING:
    from fairway import _runtime
    from fairway.executable import Executable

__all__ = ["Code", "save"]


@dataclass(frozen=True)
class Code:
    """Compiled code that can be linked again, this time with weights.

    Attributes:
        object: The object file's bytes.
        target: The target that made it.
    """

    object: bytes
    target: Target


def save(
    executable: Executable,
    path: Path,
    native: _runtime.Model,
    code: Code | None,
    source: Path | None,
) -> Path:
    """Writes `path` and the header beside it.

    Args:
        executable: The model.
        path: The library to write.
        native: The loaded model, whose prepared weights are written.
        code: Its object code; None for a model that was loaded from a file.
        source: That file.

    Raises:
        ArtifactError: Something cannot be written.
    """
    header_path = path.with_suffix(".h")
    if header_path == path:
        raise ArtifactError(
            f"{path} ends in .h, which is the name of the C header", hint="use a name like model.so"
        )
    text = header.render(executable, path.stem)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            library = draft / "library.so"
            if code is not None:
                _link(native, code, draft, library)
            elif source is not None:
                shutil.copyfile(source, library)
            (draft / "header.h").write_text(text, encoding="utf-8")
            _replace(library, path, mode=0o755)
            _replace(draft / "header.h", header_path, mode=0o644)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise ArtifactError(
            f"cannot write {path}: {error.strerror or error}",
            hint="choose a folder that exists, is writable and has space for "
            f"{_size(native, code, source):,} bytes",
        ) from error
    return path


def _link(native: _runtime.Model, code: Code, draft: Path, library: Path) -> None:
    """Links the code and writes the prepared weights behind it, one after the other."""
    objects, total = draft / "code.o", _weights_end(native)
    objects.write_bytes(code.object)
    try:
        begin = code.target.link([objects], library, total)
    except CompilationError as error:
        if shutil.disk_usage(draft).free > 4 * len(code.object):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    objects.unlink()
    with library.open("r+b") as file:
        for index, (info, offset) in enumerate(native.constants_info):
            file.seek(begin + offset)
            view = np.asarray(native.constant_view(index))
            assert view.nbytes == info.nbytes, f"constant {info.name} has another size"
            view.tofile(file)


def _replace(draft: Path, final: Path, mode: int) -> None:
    """Moves a finished file into place once its bytes are on disk."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.replace(final)


def _weights_end(native: _runtime.Model) -> int:
    return max((offset + info.nbytes for info, offset in native.constants_info), default=0)


def _size(native: _runtime.Model, code: Code | None, source: Path | None) -> int:
    if code is not None:
        return _weights_end(native) + 2 * len(code.object)
    return source.stat().st_size if source is not None and source.exists() else 0
