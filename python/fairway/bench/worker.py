# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The process of one contender: prepares its model, then measures it when asked."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import statistics
import time
from multiprocessing.connection import Connection
from typing import Any

from fairway.bench import contenders, reference
from fairway.bench.priority import realtime
from fairway.bench.probes import Probe
from fairway.bench.profiling import Peaks
from fairway.bench.protocol import Answer, StepTimes
from fairway.bench.subject import Subject
from fairway.errors import Error
from fairway.verification.accuracy import relative_error

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_WARMUP_SECONDS = 0.02  # of runs before each turn: caches and sleeping threads


def main(descriptor: int) -> None:
    """Serves requests until the other end closes."""
    # A stopped worker would outlive a parent that is killed.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    connection = Connection(descriptor)
    server = _Server()
    while True:
        try:
            method, *arguments = connection.recv()
        except EOFError:
            os._exit(0)  # without the teardown of five frameworks
        try:
            answer = Answer(getattr(server, method)(*arguments))
        except Error as error:
            answer = Answer(error=error)
        except Exception as error:
            answer = Answer(error=_first_line(error))
        connection.send(answer)


class _Server:
    """The methods that a worker offers."""

    def __init__(self) -> None:
        self._contender: Any = None
        self._prepared: Any = None
        self._threads = 1
        self._probe: Probe | None = None

    def reference(self, subject: Subject) -> str | None:
        """Computes the reference outputs."""
        return reference.compute(subject)

    def prepare(self, name: str, subject: Subject, threads: int) -> tuple[str, float]:
        """Makes the model ready and runs it once.

        Returns:
            The contender's version and the seconds until the first result.
        """
        self._contender = contenders.get(name)
        self._threads = threads
        version = self._contender.version()
        start = time.perf_counter()
        self._prepared = self._contender.prepare(subject, threads)
        self._prepared.call()
        seconds = time.perf_counter() - start
        gc.collect()
        gc.freeze()
        return version, seconds

    def judge(self, subject: Subject) -> tuple[float | None, list[str]]:
        """The error against the reference, if there is one, and the outputs' dtypes."""
        import numpy as np

        found = self._prepared.outputs(self._prepared.call())
        dtypes = [str(array.dtype) for array in found]
        if not subject.reference_file.exists():
            return None, dtypes
        with np.load(subject.reference_file) as file:
            return relative_error(found, [file[key] for key in file.files]), dtypes

    def turn(self, seconds: float, runs: int, with_realtime: bool) -> list[float]:
        """Measures at least `runs` runs, and more until the time is over."""
        call, clock = self._prepared.call, time.perf_counter
        times: list[float] = []
        gc.disable()
        try:
            with realtime(with_realtime):
                begin = clock()
                call()
                while clock() - begin < _WARMUP_SECONDS:
                    call()
                begin = clock()
                while len(times) < runs or clock() - begin < seconds:
                    start = clock()
                    call()
                    times.append(clock() - start)
        finally:
            gc.enable()
        return times

    def profile(self, runs: int, with_realtime: bool) -> list[list[float]]:
        """The seconds of every step of Fairway's plan, in each of some runs."""
        native = self._contender.executable._native
        feeds = list(self._contender.feeds.values())
        with realtime(with_realtime):
            native.profile(feeds, self._threads)
            return [native.profile(feeds, self._threads) for _ in range(runs)]

    def steps(self, runs: list[list[float]]) -> list[StepTimes]:
        """The steps of Fairway's plan with the medians of what `profile` gave."""
        medians = [statistics.median(times) for times in zip(*runs, strict=True)]
        return [
            StepTimes(step.name, step.tiles, step.flops, step.bytes, seconds)
            for step, seconds in zip(self._contender.executable._native.steps, medians, strict=True)
        ]

    def prepare_probe(self) -> None:
        """Compiles the programs that measure this machine's peaks."""
        self._probe = Probe(self._threads)

    def probe(self, with_realtime: bool) -> Peaks:
        """Measures this machine's peaks."""
        assert self._probe is not None, "prepare_probe comes first"
        with realtime(with_realtime):
            return self._probe.measure()

    def peak_bytes(self) -> int:
        """The most memory that this process has had resident."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
