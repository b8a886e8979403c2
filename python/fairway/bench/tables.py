# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results as tables for a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from fairway.bench.comparison import Comparison, Outcome
    from fairway.bench.profiling import Profile

__all__ = ["comparison_table", "comparison_text", "profile_table"]

_TEXT_WIDTH = 100


def comparison_text(comparison: Comparison) -> str:
    """The table of a comparison as plain text."""
    file = io.StringIO()
    Console(file=file, width=_TEXT_WIDTH).print(comparison_table(comparison))
    return file.getvalue()


def comparison_table(comparison: Comparison) -> RenderableType:
    """A row for each contender; a peer without a measurement has its reason instead."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("contender", "median ms", "p10", "p90", "x Fairway", "error", "setup s"):
        table.add_column(name, justify="left" if name == "contender" else "right")
    absent: list[Outcome] = []
    for outcome in comparison.outcomes:
        if outcome.times is None:
            absent.append(outcome)
            continue
        fast = outcome.times.median
        ratio = fast / comparison.fairway.times.median if comparison.fairway.times else 0.0
        table.add_row(
            Text(outcome.version, style="bold" if outcome is comparison.fairway else ""),
            f"{fast * 1e3:.3f}",
            f"{outcome.times.p10 * 1e3:.3f}",
            f"{outcome.times.p90 * 1e3:.3f}",
            f"{ratio:.2f}",
            _error(outcome),
            f"{outcome.setup_seconds:.1f}" if outcome.setup_seconds is not None else "",
        )
    parts: list[RenderableType] = [table]
    parts += [Text(f"{o.name}: not measured: {o.reason}", style="yellow") for o in absent]
    return Group(*parts, Text(_summary(comparison)))


def profile_table(profile: Profile, limit: int | None = None) -> RenderableType:
    """A row for each kernel, the longest first.

    Args:
        profile: The measurements.
        limit: How many kernels to show.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    columns = ("kernel", "calls", "us", "% time", "GFLOP/s", "GB/s", "% flops", "% mem")
    for name in columns:
        table.add_column(name, justify="left" if name == "kernel" else "right", no_wrap=True)
    total = profile.seconds or 1.0
    for kernel in profile.kernels[:limit]:
        seconds = max(kernel.seconds, 1e-9)
        table.add_row(
            kernel.name,
            str(kernel.calls),
            f"{kernel.seconds * 1e6:.1f}",
            f"{kernel.seconds / total:.1%}",
            f"{kernel.flops / seconds / 1e9:.1f}",
            f"{kernel.bytes / seconds / 1e9:.1f}",
            f"{kernel.compute:.0%}",
            f"{kernel.bandwidth:.0%}",
        )
    peaks = profile.peaks
    hidden = len(profile.kernels) - len(profile.kernels[:limit])
    note = f"{hidden} shorter kernels are not shown\n" if hidden else ""
    cache = f", {peaks.cache / 1e9:.1f} GB/s from the last cache" if peaks.cache else ""
    return Group(
        table,
        Text(
            f"{note}all kernels: {profile.seconds * 1e3:.3f} ms, with a meeting of the threads "
            f"after each\nmeasured peaks on {_threads(peaks.threads)}: "
            f"{peaks.flops / 1e9:.1f} GFLOP/s, {peaks.memory / 1e9:.1f} GB/s from memory{cache}"
        ),
    )


def _error(outcome: Outcome) -> str:
    if outcome.error is None:
        return "-"
    return f"{outcome.error:.1e}" + ("" if outcome.correct else " WRONG")


def _summary(comparison: Comparison) -> str:
    how = ", real-time priority" if comparison.realtime else ""
    lines = [f"{_threads(comparison.threads)}{how}"]
    if comparison.reference:
        lines[0] += f"; errors are relative to {comparison.reference}"
    speedup, best = comparison.speedup(), comparison.best_peer()
    if speedup is not None and best is not None:
        lines.append(f"Fairway is {speedup:.2f} times as fast as the best peer, {best.name}")
    return "\n".join(lines)


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"
