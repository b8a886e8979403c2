# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes docs/performance.md and its charts from the file of results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from results import parts_of

from fairway.bench import charts
from fairway.bench.profiling import KernelTimes, Peaks, Profile
from fairway.bench.summary import geometric_mean

__all__ = ["write"]

_GOAL = 0.85  # of the peak that limits a kernel
_CHARTS = "images"


def write(data: dict[str, Any], path: Path) -> None:
    """Writes the page.

    Args:
        data: What `Results` holds.
        path: The page; its charts go to the folder images beside it.
    """
    folder = path.parent / _CHARTS
    sections = [
        _introduction(data),
        *_networks(data.get("networks", {}), folder),
        _kernels(data.get("kernels", {})),
        _rooflines(data.get("networks", {}), folder),
        _scaling(data.get("scaling", {}), folder),
        _costs(data.get("costs", {})),
        _failures(data),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(section.strip() for section in sections if section)
    path.write_text(text + "\n", encoding="utf-8")


def _introduction(data: dict[str, Any]) -> str:
    machine, settings = data["machine"], data["settings"]
    versions = dict.fromkeys(
        outcome["version"]
        for found in data.get("networks", {}).values()
        for outcome in found.get("outcomes", ())
        if outcome["version"]
    )
    clock = f", {machine['megahertz']} MHz" if machine["megahertz"] else ""
    kind = "virtual machine" if machine["virtual"] else "machine"
    priority = "real-time priority" if settings["realtime"] else "ordinary priority"
    quick = " This was a quick run: fewer and shorter measurements." if data["quick"] else ""
    facts = {
        "processor": f"{machine['processor']} ({machine['family']}){clock}, "
        f"{machine['cores']} cores, {kind}",
        "vector extensions": ", ".join(machine["features"]),
        "caches": ", ".join(machine["caches"]),
        "memory": f"{machine['memory_bytes'] / 1e9:.0f} GB, huge pages: {machine['huge_pages']}",
        "system": machine["system"],
        "contenders": "; ".join(versions),
        "method": f"at least {settings['seconds']:g} s and {settings['repeats']} runs for each "
        f"contender, in {settings['rounds']} alternating turns, {priority}",
    }
    return f"""
# Performance

Written by `./dev bench` from its measurements of {data["date"]}; not edited by hand. How it
measures is in [Measuring](benchmarking.md).{quick}

{_table(["", ""], [list(fact) for fact in facts.items()]).replace("---:", "---")}

Times are medians in milliseconds of one whole call with float32, and in brackets half the
distance from the tenth to the ninetieth percentile.
"""


def _networks(found: dict[str, Any], folder: Path) -> list[str]:
    sections: list[str] = []
    places = sorted({parts_of(name)[1:] for name in found})
    for batch, threads in places:
        group = {
            parts_of(name)[0]: result
            for name, result in found.items()
            if parts_of(name)[1:] == (batch, threads) and "failure" not in result
        }
        if not group:
            continue
        image = folder / f"networks-b{batch}-t{threads}.svg"
        title = f"batch {batch}, {_threads(threads)}"
        charts.bars(image, _relative(group), f"Networks, {title}", "speed relative to Fairway")
        sections.append(
            f"## Networks, {title}\n\n{_contenders_table(group)}\n\n{_verdict(group)}\n\n"
            f"![speed of each contender relative to Fairway]({_CHARTS}/{image.name})"
        )
    return sections


def _relative(group: dict[str, Any]) -> dict[str, dict[str, float]]:
    """For each network Fairway's time over each contender's: higher is faster."""
    return {
        name: {
            outcome["name"]: result["outcomes"][0]["times"]["median"] / outcome["times"]["median"]
            for outcome in result["outcomes"]
            if outcome["times"]
        }
        for name, result in group.items()
    }


def _contenders_table(group: dict[str, Any]) -> str:
    names = list(dict.fromkeys(o["name"] for r in group.values() for o in r["outcomes"]))
    head = ["", *names, "best peer / Fairway", "Fairway's error"]
    rows: list[list[str]] = []
    for model, result in group.items():
        outcomes = {outcome["name"]: outcome for outcome in result["outcomes"]}
        cells = [_time(outcomes.get(name)) for name in names]
        speedup, error = result["speedup"], outcomes["fairway"]["error"]
        rows.append(
            [
                model,
                *cells,
                f"**{speedup:.2f}**" if speedup else "-",
                f"{error:.0e}" if error is not None else "-",
            ]
        )
    return _table(head, rows)


def _time(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return "-"
    if not outcome["times"]:
        return "none"
    times = outcome["times"]
    spread = (times["p90"] - times["p10"]) / 2
    wrong = " wrong" if outcome["correct"] is False else ""
    return f"{_ms(times['median'])} ({_ms(spread)}){wrong}"


def _ms(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _verdict(group: dict[str, Any]) -> str:
    speedups = [result["speedup"] for result in group.values() if result["speedup"]]
    if not speedups:
        return ""
    won = sum(speedup >= 1 for speedup in speedups)
    return (
        f"Fairway is at least as fast as the best peer on {won} of {len(speedups)}; the "
        f"geometric mean of the ratios is {geometric_mean(speedups):.2f}."
    )


def _kernels(found: dict[str, Any]) -> str:
    measured = {name: result for name, result in found.items() if "failure" not in result}
    if not measured:
        return ""
    names = list(dict.fromkeys(o["name"] for r in measured.values() for o in r["outcomes"]))
    rows: list[list[str]] = []
    for key, result in measured.items():
        name, _, threads = parts_of(key)
        profile = _profile(result)
        outcomes = {outcome["name"]: outcome for outcome in result["outcomes"]}
        longest = profile.kernels[0] if profile else None
        rows.append(
            [
                name,
                str(threads),
                *(_time(outcomes.get(contender)) for contender in names),
                f"{longest.flops / longest.seconds / 1e9:.0f}" if longest else "-",
                f"{longest.attainable:.0%}" if longest else "-",
            ]
        )
    head = ["", "threads", *names, "GFLOP/s", "of its limit"]
    return (
        "## Operations\n\nSingle operations with layouts as the framework gives and wants "
        "them. GFLOP/s and the share\nof the peak that limits it are of Fairway's longest "
        "kernel alone, without conversions.\n\n" + _table(head, rows)
    )


def _rooflines(found: dict[str, Any], folder: Path) -> str:
    """One chart and one table of kernels for each network: batch 1, most threads."""
    profiled = {
        parts_of(name): result
        for name, result in found.items()
        if parts_of(name)[1] == 1 and result.get("profile")
    }
    if not profiled:
        return ""
    most = max(threads for _, _, threads in profiled)
    parts = [
        "## Kernels",
        f"Batch 1 on {_threads(most)}: the kernels that take at least 1 % of the time. A kernel's "
        "limit is the\narithmetic or the memory, whichever it uses more of; above 100 % its data "
        f"was in a cache. Bold are\nthose below {_GOAL:.0%}: look at how short a call is, and "
        "whether there are tiles for every thread.",
    ]
    for (name, _, threads), result in profiled.items():
        profile = _profile(result)
        if threads != most or profile is None:
            continue
        image = folder / f"roofline-{name}.svg"
        charts.roofline(image, profile, f"{name}, batch 1, {_threads(threads)}")
        parts += [f"### {name}", _kernel_table(profile), f"![roofline]({_CHARTS}/{image.name})"]
    return "\n\n".join(parts)


def _kernel_table(profile: Profile) -> str:
    peaks, total = profile.peaks, profile.seconds
    good = sum(k.seconds for k in profile.kernels if k.attainable >= _GOAL) / total
    text = (
        f"{good:.0%} of the time is in kernels at {_GOAL:.0%} or more of their limit (measured: "
        f"{peaks.flops / 1e9:.0f} GFLOP/s,\n{peaks.memory / 1e9:.1f} GB/s)."
    )
    rows = [
        [
            kernel.name,
            str(kernel.calls),
            f"{kernel.seconds / total:.1%}",
            f"{kernel.seconds / kernel.calls * 1e6:.1f}",
            str(kernel.tiles),
            f"{kernel.flops / kernel.seconds / 1e9:.1f}",
            f"{kernel.bytes / kernel.seconds / 1e9:.1f}",
            f"{kernel.attainable:.0%}"
            if kernel.attainable >= _GOAL
            else f"**{kernel.attainable:.0%}**",
        ]
        for kernel in profile.kernels
        if kernel.seconds >= 0.01 * total
    ]
    head = ["", "calls", "time", "µs a call", "tiles", "GFLOP/s", "GB/s", "of its limit"]
    return f"{text}\n\n{_table(head, rows)}"


def _scaling(found: dict[str, Any], folder: Path) -> str:
    measured = {parts_of(k): r for k, r in found.items() if "failure" not in r}
    if not measured:
        return ""
    models = list(dict.fromkeys(name for name, _, _ in measured))
    most = max(threads for _, _, threads in measured)
    by_batch: dict[str, dict[int, float]] = {}
    by_threads: dict[str, dict[int, float]] = {}
    for model in models:
        for (name, batch, threads), result in sorted(measured.items()):
            rate = batch / result["outcomes"][0]["times"]["median"]
            if name == model and threads == most:
                by_batch.setdefault(model, {})[batch] = rate
            if name == model and batch == 1:
                by_threads.setdefault(model, {})[threads] = rate
    parts = ["## Scaling", "Samples a second, Fairway alone."]
    for title, series in ((f"batch size, {_threads(most)}", by_batch), ("threads", by_threads)):
        places = sorted({place for points in series.values() for place in points})
        rows = [
            [model, *(f"{points[p]:.4g}" if p in points else "-" for p in places)]
            for model, points in series.items()
        ]
        parts.append(_table([title, *map(str, places)], rows))
        if len(places) > 1:
            relative = {
                m: {p: v / min(pts.items())[1] for p, v in pts.items()} for m, pts in series.items()
            }
            image = folder / f"scaling-{title.partition(' ')[0]}.svg"
            charts.lines(image, relative, "Throughput, relative to the first", title, "times")
            parts.append(f"![throughput over {title}]({_CHARTS}/{image.name})")
    return "\n\n".join(parts)


def _costs(found: dict[str, Any]) -> str:
    rows: list[list[str]] = []
    for name, cost in found.items():
        if "failure" in cost:
            continue
        cold, cached, run = cost["cold"], cost["cached"], cost["run"]
        export = sum(cold.get(stage, 0.0) for stage in cost["export_stages"])
        export_again = sum(cached.get(stage, 0.0) for stage in cost["export_stages"])
        together = cost.get("rss_peak_with_importer_bytes")  # older measurements lack it
        planned = run["weights_bytes"] + run["arena_bytes"] + run["scratch_bytes"]
        rows.append(
            [
                name,
                f"{cold['total']:.1f}",
                f"{export:.1f}",
                f"{cached['total'] - export_again:.1f}",
                str(cost["kernels"]),
                _mb(cost["weights_bytes"]),
                _mb(cost["rss_peak_bytes"] - cost["rss_before_bytes"]),
                _mb(together - cost["rss_before_bytes"]) if together else "",
                _mb(cost["saving_bytes"]) if "saving_bytes" in cost else "",
                _mb(planned + run["tensors_bytes"]),
                _mb(run["rss_peak_bytes"] - run["rss_before_bytes"]),
            ]
        )
    if not rows:
        return ""
    head = [
        "",
        "to first result, s",
        "of it torch.export",
        "cached, beyond export",
        "kernels",
        "weights, MB",
        "more while compiling",
        "with the importer's process",
        "more while saving",
        "weights + arena + tensors",
        "more while running",
    ]
    return (
        "## Compiling\n\nFrom the module to the first result, and memory in MB: the most that "
        "compiling needed beyond\nwhat the process had with the module built, alone and together "
        "with the process that imports; the\nmost that saving needed; and the most that running "
        "the saved model needed.\n\n" + _table(head, rows)
    )


def _failures(data: dict[str, Any]) -> str:
    lines: list[str] = []
    reasons: dict[tuple[str, str], list[str]] = {}
    for part in ("networks", "kernels", "scaling", "costs"):
        for name, result in data.get(part, {}).items():
            if "failure" in result:
                lines.append(f"- {name}: {result['failure'].splitlines()[0]}")
            for outcome in result.get("outcomes", ()):
                if outcome["reason"] and part == "networks":
                    place = reasons.setdefault((outcome["name"], outcome["reason"]), [])
                    place.append(name.split("/")[0])
    for (contender, reason), names in reasons.items():
        where = ", ".join(dict.fromkeys(names))
        lines.append(f"- {contender} ({where}): {reason.replace('|', ' ')[:200]}")
    return "## Not measured\n\n" + "\n".join(lines) if lines else ""


def _profile(result: dict[str, Any]) -> Profile | None:
    found = result.get("profile")
    if not found or not found["kernels"]:
        return None
    kernels = tuple(KernelTimes(**kernel) for kernel in found["kernels"])
    return Profile(Peaks(**found["peaks"]), tuple(k for k in kernels if k.seconds > 0))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _mb(count: float) -> str:
    return f"{count / 1e6:.0f}"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
