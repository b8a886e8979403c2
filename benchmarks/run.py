# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures Fairway beside its peers and writes docs/performance.md: `./dev bench --help`.

Every measurement is kept in the file of results as soon as it is done. A run that was
cut off goes on where it stopped with --resume.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import costs
import kernels
import networks
import page
from results import Results, key

from fairway.bench import Settings, contenders
from fairway.errors import Error

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("networks", "kernels", "scaling", "costs")
KERNEL_PEERS = ("torch", "onnxruntime", "openvino")

Job = tuple[str, str, Callable[[], dict[str, Any]]]


def main() -> int:
    options = _options()
    results = Results(options.results)
    if not options.page_only:
        settings = _settings(options)
        results.begin(settings, options.quick)
        failed = _measure(list(_jobs(options, settings)), results, resume=options.resume)
        if failed:
            print(f"bench: {failed} measurements failed; see above", file=sys.stderr)
    page.write(results.data, options.page)
    print(f"bench: results in {options.results}, page in {options.page}")
    return 0


def _measure(jobs: list[Job], results: Results, resume: bool) -> int:
    """Does the jobs; one that fails does not keep the others from being done."""
    failed = 0
    for index, (part, name, job) in enumerate(jobs):
        if resume and results.has(part, name):
            continue
        start = time.monotonic()
        print(f"bench: [{index + 1}/{len(jobs)}] {part} {name} ...", flush=True)
        try:
            results.add(part, name, job())
        except Error as error:
            failed += 1
            results.add(part, name, {"failure": str(error)})
            print(f"bench: {name} failed: {error}", file=sys.stderr, flush=True)
        print(f"bench: {name}: {time.monotonic() - start:.0f} s", flush=True)
    return failed


def _jobs(options: argparse.Namespace, settings: Settings) -> Iterator[Job]:
    for part in options.parts:
        if part == "networks":
            for name in options.models:
                for batch in options.batch:
                    for threads in options.threads:
                        yield (
                            part,
                            key(name, batch, threads),
                            _bind(
                                networks.measure,
                                name,
                                batch,
                                threads,
                                settings,
                                options.against,
                                profile=True,
                            ),
                        )
        elif part == "kernels":
            for name in kernels.KERNELS:
                for threads in options.threads:
                    peers = [peer for peer in KERNEL_PEERS if peer in options.against]
                    yield (
                        part,
                        key(name, 1, threads),
                        _bind(kernels.measure, name, threads, settings, peers),
                    )
        elif part == "scaling":
            yield from _scaling(options, settings)
        else:
            for name in options.models:
                yield part, name, _bind(costs.measure, name, max(options.threads))


def _scaling(options: argparse.Namespace, settings: Settings) -> Iterator[Job]:
    """Fairway alone: all batch sizes on all threads, and batch 1 on each thread count."""
    most = max(options.threads)
    places = [(batch, most) for batch in options.scale_batch]
    places += [(1, threads) for threads in range(1, most + 1) if (1, threads) not in places]
    for name in options.scale_models:
        for batch, threads in places:
            job = _bind(networks.measure, name, batch, threads, settings, (), profile=False)
            yield "scaling", key(name, batch, threads), job


def _bind(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[], Any]:
    return lambda: function(*args, **kwargs)


def _settings(options: argparse.Namespace) -> Settings:
    if options.quick:
        return Settings(1.0, repeats=10, rounds=5, realtime=options.realtime)
    return Settings(4.0, repeats=40, rounds=10, realtime=options.realtime)


def _options() -> argparse.Namespace:
    options = _parser().parse_args()
    quick = options.quick
    options.batch = options.batch or ([1] if quick else [1, 8])
    options.scale_batch = options.scale_batch or ([1, 4] if quick else [1, 2, 4, 8, 16, 32])
    few = [name for name in options.models if name in ("mlp", "mobilenet_v2")]
    options.scale_models = options.scale_models or (few if quick else options.models)
    return options


def _parser() -> argparse.ArgumentParser:
    everyone = list(networks.ARCHITECTURES)
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument(
        "--parts",
        type=_names(PARTS),
        default=list(PARTS),
        help=f"what to measure, among {','.join(PARTS)}",
    )
    parser.add_argument("--models", type=_names(everyone), default=everyone, help="networks")
    parser.add_argument(
        "--scale-models", type=_names(everyone), help="networks of the scaling part"
    )
    parser.add_argument(
        "--threads", type=_numbers, default=sorted({1, cores}), help="default: 1 and all"
    )
    parser.add_argument("--batch", type=_numbers, help="batch sizes against the peers")
    parser.add_argument("--scale-batch", type=_numbers, help="batch sizes of the scaling part")
    parser.add_argument(
        "--against",
        type=_names(contenders.PEERS),
        default=list(contenders.PEERS),
        help=f"peers, among {','.join(contenders.PEERS)}",
    )
    parser.add_argument(
        "--realtime",
        action=argparse.BooleanOptionalAction,
        default=os.geteuid() == 0,
        help="measure at real-time priority; default: if root",
    )
    parser.add_argument("--resume", action="store_true", help="keep what is already measured")
    parser.add_argument("--page-only", action="store_true", help="only write the page again")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "bench" / "results.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    return parser


def _names(known: Any) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}' is not among {', '.join(known)}")
        return names

    return parse


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not numbers with commas between them")
    return numbers


if __name__ == "__main__":
    sys.exit(main())
