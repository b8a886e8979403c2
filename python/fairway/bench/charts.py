# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Charts of results; they need matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway.errors import InvalidArgument, MissingDependency

if TYPE_CHECKING:
    from fairway.bench.profiling import Profile

__all__ = ["bars", "check_available", "lines", "roofline"]

_ENDINGS = (".png", ".svg", ".pdf")
_FAIRWAY_COLOR = "#c0392b"
_PEER_COLORS = ("#34495e", "#7f8c8d", "#2980b9", "#16a085", "#8e44ad")


def check_available(path: Path) -> None:
    """Finds out early whether a chart can be drawn to a file.

    Raises:
        MissingDependency: matplotlib is not installed.
        InvalidArgument: The file's ending is none that a chart can have.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise InvalidArgument(
            f"a chart cannot be written as '{path.name}'",
            hint=f"use one of the endings {', '.join(_ENDINGS)}",
        )
    _pyplot()


def bars(path: Path, groups: Mapping[str, Mapping[str, float]], title: str, unit: str) -> None:
    """Draws grouped bars.

    Args:
        path: The file to write; its ending decides the format.
        groups: For each model the value of each contender.
        title: What it shows.
        unit: What the values are.
    """
    plot = _pyplot()
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    figure, axes = plot.subplots(figsize=(max(5.0, 1.6 * len(groups) + 1), 3.6))
    width = 0.8 / max(1, len(names))
    colors = _colors(names)
    for index, name in enumerate(names):
        places = [i + (index - (len(names) - 1) / 2) * width for i in range(len(groups))]
        heights = [values.get(name, 0.0) for values in groups.values()]
        axes.bar(places, heights, width, label=name, color=colors[name])
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set_ylabel(unit)
    _finish(plot, figure, axes, path, title)


def lines(
    path: Path, series: Mapping[str, Mapping[int, float]], title: str, across: str, unit: str
) -> None:
    """Draws a line for each contender.

    Args:
        path: The file to write.
        series: For each contender the value at each place.
        title: What it shows.
        across: What the places are.
        unit: What the values are.
    """
    plot = _pyplot()
    figure, axes = plot.subplots(figsize=(5.0, 3.6))
    colors = _colors(list(series))
    for name, points in series.items():
        axes.plot(list(points), list(points.values()), "o-", label=name, color=colors[name])
    axes.set_xlabel(across)
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    _finish(plot, figure, axes, path, title)


def roofline(path: Path, profile: Profile, title: str) -> None:
    """Draws each kernel under the roofs of arithmetic, memory and last cache.

    Args:
        path: The file to write.
        profile: The kernels and the peaks.
        title: What it shows.
    """
    plot = _pyplot()
    peaks = profile.peaks
    points = [
        (k.flops / k.bytes, k.flops / k.seconds / 1e9, k.seconds)
        for k in profile.kernels
        if k.flops and k.bytes and k.seconds > 0
    ]
    figure, axes = plot.subplots(figsize=(6.4, 4.2))
    intensities = [x for x, _, _ in points] + [peaks.flops / peaks.memory]
    span = [min(intensities) / 2, max(intensities) * 2]
    roofs = [("memory", peaks.memory, "-")]
    if peaks.cache:
        roofs.append(("last cache", peaks.cache, "--"))
    for name, rate, style in roofs:
        ridge = peaks.flops / rate
        places = sorted({*span, min(max(ridge, span[0]), span[1])})
        heights = [min(peaks.flops, x * rate) / 1e9 for x in places]
        axes.plot(places, heights, style, color="#34495e", label=f"{name}, {rate / 1e9:.0f} GB/s")
    total = profile.seconds or 1.0
    axes.scatter(
        [x for x, _, _ in points],
        [y for _, y, _ in points],
        s=[12 + 600 * seconds / total for _, _, seconds in points],
        color=_FAIRWAY_COLOR,
        alpha=0.55,
        label="kernels, area: time",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("operations per byte")
    axes.set_ylabel(f"GFLOP/s (peak {peaks.flops / 1e9:.0f})")
    _finish(plot, figure, axes, path, title)


def _finish(plot: Any, figure: Any, axes: Any, path: Path, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    axes.grid(axis="y", linewidth=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Neither date nor random identifiers: the same numbers give the same file.
    with plot.rc_context({"svg.hashsalt": "fairway"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plot.close(figure)


def _colors(names: Sequence[str]) -> dict[str, str]:
    peers = [name for name in names if name != "fairway"]
    colors = {name: _PEER_COLORS[i % len(_PEER_COLORS)] for i, name in enumerate(peers)}
    return {**colors, "fairway": _FAIRWAY_COLOR}


def _pyplot() -> Any:
    try:
        import_module("matplotlib").use("Agg")
    except ImportError as error:
        raise MissingDependency(
            "charts need matplotlib", hint="pip install 'fairway[bench]'"
        ) from error
    return import_module("matplotlib.pyplot")
