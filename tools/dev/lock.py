# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lets one `./dev` at a time work in a tree."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .paths import BUILD
from .progress import say


@contextmanager
def exclusive() -> Iterator[None]:
    """Waits for any other `./dev` in this tree to end; the system frees the lock at a crash."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".dev.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"another ./dev is at work here (process {file.read().strip()}); waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
