# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway's kernels against the machine's peaks: the numbers of a roofline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairway.bench.protocol import StepTimes

__all__ = ["KernelTimes", "Peaks", "Profile", "highest", "make_profile"]


@dataclass(frozen=True)
class Peaks:
    """What this machine reaches with the threads of the measurement.

    Attributes:
        flops: Single-precision arithmetic operations per second, a fused multiply-add
            counting as two.
        memory: Bytes per second read from memory.
        cache: Bytes per second read from the last-level cache; None if unknown.
        threads: The threads.
    """

    flops: float
    memory: float
    cache: float | None
    threads: int


@dataclass(frozen=True)
class KernelTimes:
    """All calls of one kernel in one run.

    Attributes:
        name: The kernel.
        calls: How often a run calls it.
        tiles: Units of parallel work of the call that has fewest; fewer than threads
            leave some of them idle.
        seconds: Time of all calls.
        flops: Arithmetic operations of all calls.
        bytes: Bytes read and written by all calls.
        compute: Operations per second over the peak.
        bandwidth: Bytes per second over the memory's peak; above 1 where caches serve.
    """

    name: str
    calls: int
    tiles: int
    seconds: float
    flops: int
    bytes: int
    compute: float
    bandwidth: float

    @property
    def attainable(self) -> float:
        """The larger of `compute` and `bandwidth`: the share used of what limits it."""
        return max(self.compute, self.bandwidth)


@dataclass(frozen=True)
class Profile:
    """Where the time of a run goes.

    Attributes:
        peaks: What the machine reaches.
        kernels: Every kernel, the one that takes longest first.
    """

    peaks: Peaks
    kernels: tuple[KernelTimes, ...]

    @property
    def seconds(self) -> float:
        """Time of all kernels together; workers meet between them, so it exceeds a run's."""
        return sum(kernel.seconds for kernel in self.kernels)


def highest(peaks: Sequence[Peaks]) -> Peaks:
    """The best of several measurements: what the machine can do when nothing disturbs it."""
    caches = [peak.cache for peak in peaks if peak.cache is not None]
    return Peaks(
        max(peak.flops for peak in peaks),
        max(peak.memory for peak in peaks),
        max(caches, default=None),
        peaks[0].threads,
    )


def make_profile(steps: Iterable[StepTimes], peaks: Peaks) -> Profile:
    """Adds the steps up by kernel and relates them to the peaks."""
    groups: dict[str, list[StepTimes]] = {}
    for step in steps:
        groups.setdefault(step.name, []).append(step)
    kernels = [_kernel(name, group, peaks) for name, group in groups.items()]
    return Profile(peaks, tuple(sorted(kernels, key=lambda kernel: -kernel.seconds)))


def _kernel(name: str, steps: list[StepTimes], peaks: Peaks) -> KernelTimes:
    seconds = sum(step.seconds for step in steps)
    flops, count = sum(step.flops for step in steps), sum(step.bytes for step in steps)
    time = max(seconds, 1e-9)  # a clock may not see the shortest
    return KernelTimes(
        name,
        len(steps),
        min(step.tiles for step in steps),
        seconds,
        flops,
        count,
        compute=flops / time / peaks.flops,
        bandwidth=count / time / peaks.memory,
    )
