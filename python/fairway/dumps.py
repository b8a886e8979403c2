# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where compilations leave their IR after each stage; see docs/debugging.md."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from fairway.errors import InvalidArgument

__all__ = ["VARIABLE", "new_folder"]

VARIABLE = "FAIRWAY_DUMP"


def new_folder(parent: str | os.PathLike[str] | None) -> Path | None:
    """Makes a folder for one compilation: the first free one of `parent/000`, `parent/001`, ...

    Args:
        parent: The folder of all dumps, created if missing; None for the one that the
            environment's `FAIRWAY_DUMP` names.

    Returns:
        The new folder, absolute; None if neither names one.

    Raises:
        InvalidArgument: It cannot be made.
    """
    chosen = os.environ.get(VARIABLE) if parent is None else os.fspath(parent)
    if not chosen:
        return None
    base = Path(chosen).absolute()
    try:
        base.mkdir(parents=True, exist_ok=True)
        for number in count():
            folder = base / f"{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:  # another compilation's
                continue
            return folder
    except OSError as error:
        raise InvalidArgument(
            f"there can be no dumps in {base}: {error.strerror or error}",
            hint=f"name a folder that can be written to, or unset {VARIABLE}",
        ) from error
    raise AssertionError("unreachable")
