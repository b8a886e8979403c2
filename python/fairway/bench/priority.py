# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A machine for oneself while a measurement lasts: priority, and a lock among benchmarks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from fairway.errors import InvalidArgument

__all__ = ["check_permission", "exclusive", "realtime"]

# Above ordinary real-time work, below the kernel's own threads.
_PRIORITY = 40
_LOCK = "fairway-timing.lock"


def check_permission() -> None:
    """Finds out whether this process may use real-time priority.

    Raises:
        InvalidArgument: It may not.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except OSError as error:
        raise InvalidArgument(
            f"this process may not use real-time priority: {error.strerror}",
            hint="run as root, raise the limit (ulimit -r 40, or rtprio in limits.conf), "
            "or measure without --realtime",
        ) from error
    os.sched_setscheduler(0, policy, parameters)


@contextlib.contextmanager
def realtime(enabled: bool = True) -> Generator[None]:
    """Runs every thread of this process under SCHED_FIFO, and afterwards as before.

    Set only around a measurement: compiling at this priority would starve the machine.
    Threads started meanwhile inherit it.
    """
    if not enabled:
        yield
        return
    _set_all(os.SCHED_FIFO, _PRIORITY)
    try:
        yield
    finally:
        _set_all(os.SCHED_OTHER, 0)


@contextlib.contextmanager
def exclusive() -> Generator[None]:
    """Holds a lock, so that two benchmarks on one machine do not measure each other.

    Where the lock cannot be had at all (another user's file) it holds nothing.
    """
    try:
        file = os.open(Path(tempfile.gettempdir()) / _LOCK, os.O_CREAT | os.O_RDWR, 0o666)
    except OSError:
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _set_all(policy: int, priority: int) -> None:
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))
