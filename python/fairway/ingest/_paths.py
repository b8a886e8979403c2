# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Paths among the many things that may stand for a model."""

from __future__ import annotations

import os
from typing import Any, cast

__all__ = ["path_of"]

_PATHS: tuple[type, ...] = (str, os.PathLike)


def path_of(model: Any) -> str | None:
    """Gives the path that `model` is, or `None` when it is no path."""
    return os.fspath(cast("str", model)) if isinstance(model, _PATHS) else None
