# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two builds of a model side by side: which one is faster, and by how much for sure.

Neighbours on a machine change every timing by far more than a good configuration gains,
but they change two runs in a row alike. So the builds run in turns, what counts is the
median of the ratios of each pair, and a difference counts only if it is larger than what
those ratios leave uncertain.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairway.verification.accuracy import relative_error, tolerance

if TYPE_CHECKING:
    from fairway import _runtime

__all__ = ["Paired", "agree", "profile_pairs", "run_pairs"]

# A median's standard error is 1.25 times a mean's; the deviation of normal values is
# 1.48 times the median of their absolute deviations. Three of these are rarely exceeded.
_ERROR = 3 * 1.2533 * 1.4826

# However long a run takes, and however short.
_FEWEST = 5
_SHORTEST_SECONDS = 0.25


@dataclass(frozen=True)
class Paired:
    """One thing measured in two builds, in turns.

    Attributes:
        first: Median seconds in the first build.
        second: Median seconds in the second.
        ratio: Median of second over first, pair by pair.
        spread: By how much the ratio is uncertain.
        runs: The number of pairs.
    """

    first: float
    second: float
    ratio: float
    spread: float
    runs: int

    @staticmethod
    def of(first: Sequence[float], second: Sequence[float]) -> Paired:
        """Compares times that were taken in turns.

        Args:
            first: Seconds of the first build, at least one.
            second: As many of the second.
        """
        tick = 1e-9  # a clock may not see the shortest
        ratios = [(b + tick) / (a + tick) for a, b in zip(first, second, strict=True)]
        ratio = statistics.median(ratios)
        deviation = statistics.median(abs(r - ratio) for r in ratios)
        spread = _ERROR * deviation / len(ratios) ** 0.5
        return Paired(
            statistics.median(first), statistics.median(second), ratio, spread, len(ratios)
        )

    def is_faster(self, margin: float) -> bool:
        """Whether the second is faster, by more than the spread and `margin`."""
        return self.ratio + max(self.spread, margin) < 1.0


def _turns(
    first: Callable[[], Any], second: Callable[[], Any], runs: int, seconds: float
) -> tuple[list[Any], list[Any]]:
    """Calls both in turns, each pair in the other order than the one before."""
    ours: list[Any] = []
    theirs: list[Any] = []
    begin = time.perf_counter()
    end, enough = begin + seconds, begin + min(seconds, _SHORTEST_SECONDS)
    while len(ours) < _FEWEST or (
        (now := time.perf_counter()) < end and (len(ours) < runs or now < enough)
    ):
        if len(ours) % 2:
            theirs.append(second())
            ours.append(first())
        else:
            ours.append(first())
            theirs.append(second())
    return ours, theirs


def profile_pairs(
    first: _runtime.Model,
    second: _runtime.Model,
    inputs: list[Any],
    threads: int,
    runs: int,
    seconds: float,
) -> dict[str, Paired]:
    """Compares the kernels of two builds of one model.

    Args:
        first: The one.
        second: The other, with the same kernels in the same order.
        inputs: The model's inputs.
        threads: How many threads to run with.
        runs: Pairs of runs; more if they take no time.
        seconds: When to stop with fewer; five pairs are always measured.

    Returns:
        By the kernel's name, the time of all of its calls.
    """
    names = [step.name for step in first.steps]

    def profiled(model: _runtime.Model) -> dict[str, float]:
        total: dict[str, float] = {}
        times = model.profile(inputs, threads)
        for name, taken in zip(names, times, strict=True):
            total[name] = total.get(name, 0.0) + taken
        return total

    for model in (first, second):  # warm
        profiled(model)
    ours, theirs = _turns(lambda: profiled(first), lambda: profiled(second), runs, seconds)
    return {
        name: Paired.of([times[name] for times in ours], [times[name] for times in theirs])
        for name in dict.fromkeys(names)
    }


def run_pairs(
    first: _runtime.Model,
    second: _runtime.Model,
    inputs: list[Any],
    threads: int,
    runs: int,
    seconds: float,
) -> Paired:
    """Compares whole runs of two builds; arguments as for `profile_pairs`."""

    def timed(model: _runtime.Model) -> float:
        start = time.perf_counter()
        model.run(inputs, None, threads)
        return time.perf_counter() - start

    for model in (first, second):  # warm
        timed(model)
    return Paired.of(*_turns(lambda: timed(first), lambda: timed(second), runs, seconds))


def agree(first: _runtime.Model, second: _runtime.Model, inputs: list[Any], threads: int) -> bool:
    """Whether two builds give the same results but for rounding."""
    import numpy as np

    wanted = first.run(inputs, None, threads)
    found = second.run(inputs, None, threads)
    names = [info.dtype for info in first.outputs]
    arrays = [
        [_as_floats(np.asarray(value), name) for value, name in zip(values, names, strict=True)]
        for values in (found, wanted)
    ]
    inner = [info.dtype for info in first.inputs] + [i.dtype for i, _ in first.constants_info]
    return relative_error(*arrays) <= tolerance([*names, *inner])


def _as_floats(array: Any, dtype: str) -> Any:
    """bfloat16 comes as bits, which are the upper half of a float32's."""
    import numpy as np

    if dtype != "bfloat16":
        return array
    return (array.astype(np.uint32) << 16).view(np.float32)
