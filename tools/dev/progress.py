# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command as a named stage, showing that it is alive and keeping its log."""

from __future__ import annotations

import codecs
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .failure import Failure
from .paths import BUILD, LOGS, ROOT, TOOLS_VENV, WHEELHOUSE

HEARTBEAT = 30.0  # seconds between signs of life where the output is no terminal
LOG_TAIL = 40  # lines of a failed command's log that are shown
SPINNER = "|/-\\"

NETWORK_SIGNS = re.compile(
    r"name resolution|Network is unreachable|Could not resolve|Connection (refused|timed out)|"
    r"NewConnectionError|Failed to fetch|ConnectTimeout|Max retries exceeded"
)
DISK_SIGNS = re.compile(r"No space left on device")


def say(text: str) -> None:
    """Prints one line of our own, at once."""
    print(f"dev: {text}", flush=True)


def duration(seconds: float) -> str:
    """Formats a duration as people read it: `8 s`, `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def environment(
    extra: Mapping[str, str | None] | None = None, *, network: bool = False
) -> dict[str, str]:
    """Returns the environment of every command: the tools' programs come first.

    Args:
        extra: Variables to add; None takes one away.
        network: Whether pip may ask a package index; otherwise it takes what was fetched.
    """
    values = dict(os.environ)
    values.pop("PYTHONPATH", None)
    values.pop("VIRTUAL_ENV", None)
    values["PATH"] = f"{TOOLS_VENV / 'bin'}{os.pathsep}{values.get('PATH', '')}"
    values["PYTHONUNBUFFERED"] = "1"
    values["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    values["PIP_ROOT_USER_ACTION"] = "ignore"
    if not network:
        values["PIP_NO_INDEX"] = "1"
        values["PIP_FIND_LINKS"] = WHEELHOUSE.as_uri()
    if shutil.which("clang++-22"):  # half of GCC's time with precompiled headers
        values.setdefault("CC", "clang-22")
        values.setdefault("CXX", "clang++-22")
    # Without these ccache gives up on precompiled headers, and on another clone's objects.
    values.setdefault("CCACHE_SLOPPINESS", "pch_defines,time_macros")
    values.setdefault("CCACHE_BASEDIR", str(ROOT))
    values.setdefault("CCACHE_NOHASHDIR", "1")
    values.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    changes = extra or {}
    kept = {name: value for name, value in values.items() if name not in changes}
    return kept | {name: value for name, value in changes.items() if value is not None}


def run(
    title: str,
    command: Sequence[str | Path],
    *,
    log: str,
    show: bool = False,
    network: bool = False,
    extra_environment: Mapping[str, str | None] | None = None,
    hint: str | None = None,
) -> None:
    """Runs a command from the root of the tree.

    Args:
        title: What the command does, in a few words.
        command: The program and its arguments.
        log: The name of the log in build/logs, without ending.
        show: Whether the command's own output is what the user wants to see.
        network: Whether pip may ask a package index; otherwise it takes what was fetched.
        extra_environment: Variables to add to the environment.
        hint: What to do if it fails.

    Raises:
        Failure: If the command fails; the end of its log has been printed by then.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    arguments = [str(part) for part in command]
    start = time.monotonic()
    display = _Shown(title) if show else _display(title)
    with path.open("w", encoding="utf-8", errors="replace") as file:
        file.write(f"$ {' '.join(arguments)}\n")
        file.flush()
        try:
            process = subprocess.Popen(
                arguments,
                cwd=ROOT,
                env=environment(extra_environment, network=network),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its children end with it
            )
        except OSError as error:
            raise Failure(f"cannot run {arguments[0]}: {error.strerror}", hint) from error
        try:
            for text in _output(process):
                if text is not None:
                    file.write(text)
                    file.flush()
                display.update(text, time.monotonic() - start)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    status = process.wait()
    display.finish(status == 0, time.monotonic() - start)
    if status:
        text = path.read_text(encoding="utf-8", errors="replace")
        if not show:
            print("".join(f"    {line}\n" for line in text.splitlines()[-LOG_TAIL:]), end="")
        raise Failure(f"{title}: failed (log: {path.relative_to(ROOT)})", hint or _guess(text))


def _guess(log: str) -> str | None:
    if DISK_SIGNS.search(log):
        return f"the disk is full: free some space ({BUILD} can be removed)"
    if NETWORK_SIGNS.search(log):
        return "the network or the package registry did not answer: check it, then run this again"
    return None


def _output(process: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """Yields what the command writes as it comes, and None ten times a second without any."""
    chunks: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        assert process.stdout
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            chunks.put(chunk)
        chunks.put(b"")

    threading.Thread(target=read, daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while True:
        try:
            chunk = chunks.get(timeout=0.1)
        except queue.Empty:
            yield None
            continue
        if not chunk:
            return
        yield decoder.decode(chunk)


def _last_line(text: str | None) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _display(title: str) -> _Shown:
    return _Spinner(title) if sys.stdout.isatty() else _Plain(title)


class _Shown:
    """Passes the command's own output through."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.last = ""
        self.begin()

    def begin(self) -> None:
        say(f"{self.title} ...")

    def update(self, text: str | None, elapsed: float) -> None:
        del elapsed
        if text is not None:
            print(text, end="", flush=True)

    def finish(self, succeeded: bool, elapsed: float) -> None:
        say(f"{self.title}: {'done' if succeeded else 'FAILED'} in {duration(elapsed)}")


class _Plain(_Shown):
    """One line at the beginning, one at the end, and a sign of life in between."""

    def begin(self) -> None:
        self.heard = 0.0
        super().begin()

    def update(self, text: str | None, elapsed: float) -> None:
        self.last = _last_line(text) or self.last
        if elapsed - self.heard >= HEARTBEAT:
            self.heard = elapsed
            say(f"{self.title} ... {duration(elapsed)}  {self.last[:120]}")


class _Spinner(_Shown):
    """One line that is rewritten: a spinner, the time, the log's last line."""

    def begin(self) -> None:
        self.turn = 0

    def update(self, text: str | None, elapsed: float) -> None:
        self.last = _last_line(text) or self.last
        self.turn += 1
        width = shutil.get_terminal_size().columns - 1
        mark = SPINNER[self.turn % len(SPINNER)]
        shown = f"{mark} {self.title} ({duration(elapsed)})  {self.last}"[:width]
        print(f"\r\x1b[K{shown}", end="", flush=True)

    def finish(self, succeeded: bool, elapsed: float) -> None:
        print("\r\x1b[K", end="")
        super().finish(succeeded, elapsed)
