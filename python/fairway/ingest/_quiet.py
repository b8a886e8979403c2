# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keeps PyTorch's own report of a failed trace off the user's terminal.

Tracing logs long tracebacks and prints the partial graph before it raises. Fairway says
what matters in its error, so that noise is dropped when tracing fails.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
import warnings
from collections.abc import Generator

__all__ = ["quiet"]


class _OtherThreads(logging.Filter):
    """Lets only records of other threads pass."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread


@contextlib.contextmanager
def quiet() -> Generator[None, None, None]:
    """Silences PyTorch's warnings and logs; keeps standard error only on success."""
    muted = _OtherThreads()
    handlers = _torch_handlers()
    for handler in handlers:
        handler.addFilter(muted)
    captured = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(captured):
            warnings.simplefilter("ignore")
            yield
        sys.stderr.write(captured.getvalue())
    finally:
        for handler in handlers:
            handler.removeFilter(muted)


def _torch_handlers() -> list[logging.Handler]:
    """Finds the handlers of PyTorch's loggers; several of them have their own."""
    found: dict[int, logging.Handler] = {}
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.partition(".")[0] == "torch":
            found.update({id(handler): handler for handler in logger.handlers})
    return list(found.values())
