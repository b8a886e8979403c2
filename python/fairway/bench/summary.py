# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Statistics of repeated measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Summary", "geometric_mean", "quantile", "summarize"]


@dataclass(frozen=True)
class Summary:
    """What repeated runs took, in seconds.

    The median and the tenth and ninetieth percentile say what a run takes and how much
    that varies; means would follow the outliers of a shared machine.

    Attributes:
        median: Half of the runs took longer.
        p10: One run in ten was faster.
        p90: One run in ten was slower.
        least: The fastest run.
        runs: How many there were.
    """

    median: float
    p10: float
    p90: float
    least: float
    runs: int

    @property
    def spread(self) -> float:
        """The distance from the tenth to the ninetieth percentile over the median."""
        return (self.p90 - self.p10) / self.median if self.median else 0.0


def summarize(seconds: Sequence[float]) -> Summary:
    """Summarizes runs.

    Args:
        seconds: The time of each run; at least one.
    """
    ordered = sorted(seconds)
    return Summary(
        median=quantile(ordered, 0.5),
        p10=quantile(ordered, 0.1),
        p90=quantile(ordered, 0.9),
        least=ordered[0],
        runs=len(ordered),
    )


def quantile(ordered: Sequence[float], fraction: float) -> float:
    """The value below which a fraction of the sorted values lies, interpolated linearly."""
    place = fraction * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def geometric_mean(ratios: Sequence[float]) -> float:
    """The mean of ratios; all must be positive, and at least one given."""
    return math.exp(math.fsum(math.log(ratio) for ratio in ratios) / len(ratios))
