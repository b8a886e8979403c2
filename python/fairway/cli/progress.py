# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Progress by stage, shown only when a command takes longer than two seconds."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["Stages"]

_DELAY_SECONDS = 2.0


class Stages:
    """Shows the stage at work on standard error.

    On a terminal one live line; elsewhere (a log) one line for each stage. Either
    begins only after two seconds. A context manager; call it with each stage's name.
    """

    def __init__(self, enabled: bool = True) -> None:
        self._console = Console(stderr=True)
        self._enabled = enabled
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._stage = ""
        self._stage_began = self._began
        self._spent: dict[str, float] = {}
        self._visible = False
        self._closed = False
        self._timer = threading.Timer(_DELAY_SECONDS, self._show)
        self._timer.daemon = True
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("")

    def __enter__(self) -> Stages:
        if self._enabled:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._visible and self._console.is_terminal:
                self._bar.stop()

    def __call__(self, stage: str) -> None:
        """Notes that `stage` begins."""
        with self._lock:
            self._end_stage()
            self._stage = stage
            if self._visible:
                self._print()

    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._began

    def seconds_by_stage(self) -> dict[str, float]:
        """The time that each stage took so far, in the order in which they began."""
        with self._lock:
            self._end_stage()
            return dict(self._spent)

    def _end_stage(self) -> None:
        now = time.monotonic()
        if self._stage:
            spent = self._spent.get(self._stage, 0.0)
            self._spent[self._stage] = spent + now - self._stage_began
        self._stage_began = now

    def _show(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._visible = True
            if self._console.is_terminal:
                self._bar.start()
            self._print()

    def _print(self) -> None:
        if self._console.is_terminal:
            self._bar.update(self._task, description=self._stage)
        elif self._stage:
            self._console.print(f"[{self.seconds():5.1f} s] {self._stage}", markup=False)
