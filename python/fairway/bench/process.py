# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A worker process as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fairway.bench.protocol import Answer
from fairway.errors import Error

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Worker", "WorkerFailure"]

_START = (
    "import os, sys; sys.path[:] = os.environ['PYTHONPATH'].split(os.pathsep); "
    "from fairway.bench.worker import main; main(int(sys.argv[1]))"
)


class WorkerFailure(Exception):
    """A contender could not do what it was asked; the text says why."""


class Worker:
    """One process that is stopped (SIGSTOP) unless it has been asked for something.

    A stopped process takes no time from another one's measurement, however its threads
    wait for work.

    Args:
        log: A file for what the process prints.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
            )
        theirs.close()
        self._connection = Connection(ours.detach())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """The process's number."""
        return self._process.pid

    def call(self, method: str, *arguments: Any) -> Any:
        """Has the process do something, and waits for it.

        Raises:
            Error: One of Fairway's own errors came out of it.
            WorkerFailure: Anything else went wrong.
        """
        try:
            self._signal(signal.SIGCONT)
            self._connection.send((method, *arguments))
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            raise WorkerFailure(self._obituary()) from None
        self._signal(signal.SIGSTOP)
        if isinstance(answer.error, Error):
            raise answer.error
        if answer.error is not None:
            raise WorkerFailure(str(answer.error))
        return answer.value

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _obituary(self) -> str:
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"its process ended ({how})" + (f": {lines[-1]}" if lines else "")
