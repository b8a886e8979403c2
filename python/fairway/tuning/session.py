# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One tuning session: rounds of builds against the default, then the proof of the whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fairway.bench.priority import exclusive, realtime
from fairway.compiler import KernelVariants
from fairway.program import TensorSpec
from fairway.tuning.config import KernelConfig
from fairway.tuning.measuring import Paired, agree, profile_pairs, run_pairs
from fairway.tuning.result import KernelResult, Trial, TuningResult
from fairway.tuning.variants import Candidates
from fairway.tuning.workshop import Build, Workshop

__all__ = ["Session", "Settings"]

# A kernel that is faster by less is not worth a record.
_MARGIN = 0.02
# Of the time budget: what a round may measure, and what stays for the proof.
_ROUND_SHARE, _PROOF_SHARE = 0.03, 0.25


@dataclass(frozen=True)
class Settings:
    """How long and how to measure.

    Attributes:
        budget: Seconds for everything, roughly; a round that has begun is finished.
        variants: The most tilings, and the most other changes, to try with a kernel.
        runs: Pairs of runs in a round, at least, unless they take too much of the budget;
            the proof does twice as many.
        realtime: Measure at real-time priority.
    """

    budget: float = 300.0
    variants: int = 6
    runs: int = 15
    realtime: bool = False


class Session:
    """Searches better configurations of a model's kernels.

    Args:
        workshop: Builds the model.
        kernels: Its kernels, with tilings to try.
        known: Configurations that were best before, by the kernels' ids.
        inputs: Makes the model's inputs to measure with.
        threads: How many threads to run with.
        settings: How long and how to measure.
        report: Called with a few words at each step.
    """

    def __init__(
        self,
        workshop: Workshop,
        kernels: tuple[KernelVariants, ...],
        known: Mapping[str, str],
        inputs: Callable[[tuple[TensorSpec, ...]], list[Any]],
        threads: int,
        settings: Settings,
        report: Callable[[str], None],
    ) -> None:
        self._workshop = workshop
        self._threads = threads
        self._settings = settings
        self._report = report
        self._begin = time.monotonic()
        self._waited = 0.0
        self._rounds = 0
        self._interrupted = False
        self._whole: Paired | None = None
        report("building the default")
        self._default = workshop.build({})
        self._inputs = inputs(
            tuple(
                TensorSpec(info.name, info.dtype, tuple(info.shape), "input")
                for info in self._default.native.inputs
            )
        )
        names = [step.name for step in self._default.native.steps]
        self._calls = {name: names.count(name) for name in dict.fromkeys(names)}
        self._candidates = {
            kernel.kernel: Candidates.of(kernel) for kernel in kernels if kernel.kernel in names
        }
        for candidates in self._candidates.values():
            if candidates.kernel.id in known:
                candidates.pending.insert(0, KernelConfig.parse(known[candidates.kernel.id]))
        self._trials: dict[str, list[Trial]] = {name: [] for name in self._candidates}
        self._measured: dict[str, Paired] = {}
        self._noise: dict[str, float] = {}

    def run(self) -> TuningResult:
        """Searches, proves, and tells what it found. Ctrl-C ends it early."""
        proven = False
        try:
            self._measure_noise()
            self._search("tiles")
            for candidates in self._candidates.values():
                candidates.add_loops(self._settings.variants)
            self._search("loops")
            proven = self._prove()
        except KeyboardInterrupt:
            self._interrupted = True
        return TuningResult(
            threads=self._threads,
            kernels=self._results(),
            whole=self._whole,
            kept=proven or (self._interrupted and bool(self._best())),
            interrupted=self._interrupted,
            rounds=self._rounds,
            seconds=time.monotonic() - self._begin,
        )

    def _measure_noise(self) -> None:
        """The default against itself: what differs here, differs for no reason."""
        self._report("measuring how much the machine itself varies")
        found = self._compare(self._workshop.twin(self._default), self._settings.runs)
        for name, pair in found.items():
            self._noise[name] = max(_MARGIN, abs(pair.ratio - 1.0))
            self._measured[name] = pair

    def _search(self, what: str) -> None:
        """Measures one pending configuration of each kernel in a round, until none is left."""
        left = max((len(c.pending) for c in self._candidates.values()), default=0)
        for number in range(left):
            if self._spent() > 1.0 - _PROOF_SHARE:
                return
            trial: dict[str, KernelConfig] = {}
            for name, candidates in self._candidates.items():
                if candidates.pending:
                    trial[name] = candidates.pending.pop(0)
            self._report(f"trying other {what}, {number + 1} of at most {left}")
            self._round(trial)

    def _round(self, trial: Mapping[str, KernelConfig]) -> None:
        build = self._build({**self._best(), **trial})
        made = {step.name: step.config for step in build.native.steps}
        # A limit that changes nothing need not be judged.
        trial = {
            name: config
            for name, config in trial.items()
            if made.get(name) != self._candidates[name].kernel.config
        }
        if not trial or not agree(self._default.native, build.native, self._inputs, self._threads):
            return
        found = self._compare(build, self._settings.runs)
        for name, config in trial.items():
            pair, candidates = found[name], self._candidates[name]
            self._trials[name].append(Trial(config, pair))
            best = self._measured[name].ratio if candidates.best else 1.0
            if pair.is_faster(self._noise[name]) and pair.ratio < best:
                candidates.best = config
                self._measured[name] = pair

    def _prove(self) -> bool:
        """Measures all winners once more, and the whole; whether that is faster."""
        while winners := self._best():
            self._report(f"measuring {len(winners)} winners again, all together")
            build = self._build(winners)
            found = self._compare(build, 2 * self._settings.runs)
            lost = [name for name in winners if not found[name].is_faster(_MARGIN)]
            for name in winners:
                self._measured[name] = found[name]
            for name in lost:
                self._candidates[name].best = None
            if not lost:
                return self._prove_whole(build)
        return False

    def _prove_whole(self, build: Build) -> bool:
        self._report("measuring the whole model")
        runs = 4 * self._settings.runs
        seconds = self._settings.budget * _PROOF_SHARE / 2
        with self._quiet():
            self._whole = run_pairs(
                self._default.native, build.native, self._inputs, self._threads, runs, seconds
            )
        same = agree(self._default.native, build.native, self._inputs, self._threads)
        return same and self._whole.is_faster(0.0)

    def _build(self, configs: Mapping[str, KernelConfig]) -> Build:
        self._rounds += 1
        return self._workshop.build(
            {self._candidates[name].kernel.id: config for name, config in configs.items()}
        )

    def _compare(self, build: Build, runs: int) -> dict[str, Paired]:
        seconds = self._settings.budget * _ROUND_SHARE
        with self._quiet():
            return profile_pairs(
                self._default.native, build.native, self._inputs, self._threads, runs, seconds
            )

    @contextmanager
    def _quiet(self) -> Generator[None]:
        """The machine for ourselves, as far as it can be had; waiting costs no budget."""
        begin = time.monotonic()
        with exclusive():
            self._waited += time.monotonic() - begin
            with realtime(self._settings.realtime):
                yield

    def _spent(self) -> float:
        return (time.monotonic() - self._begin - self._waited) / self._settings.budget

    def _best(self) -> dict[str, KernelConfig]:
        return {
            name: found.best for name, found in self._candidates.items() if found.best is not None
        }

    def _results(self) -> tuple[KernelResult, ...]:
        results = [
            KernelResult(
                name,
                found.kernel.id,
                self._calls[name],
                tuple(self._trials[name]),
                found.default,
                found.best,
                self._measured[name],
            )
            for name, found in self._candidates.items()
            if name in self._measured
        ]
        return tuple(sorted(results, key=lambda kernel: -kernel.measured.first))
