# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures one model with Fairway and its peers, in turns."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fairway.bench import contenders
from fairway.bench.priority import check_permission, exclusive
from fairway.bench.process import Worker, WorkerFailure
from fairway.bench.profiling import Peaks, Profile, highest, make_profile
from fairway.bench.subject import Subject
from fairway.bench.summary import Summary, summarize
from fairway.errors import InvalidArgument
from fairway.verification.accuracy import tolerance

__all__ = ["Comparison", "Outcome", "Settings", "compare"]

_PROFILE_RUNS, _PROFILE_TURNS = 10, 3


@dataclass(frozen=True)
class Settings:
    """How long and how to measure.

    Attributes:
        seconds: Time of measured runs for each contender, at least.
        repeats: Measured runs of each contender, at least.
        rounds: In how many turns each contender does them.
        realtime: Whether to measure at real-time priority.
    """

    seconds: float = 3.0
    repeats: int = 30
    rounds: int = 10
    realtime: bool = False


@dataclass(frozen=True)
class Outcome:
    """One contender's result.

    Attributes:
        name: The contender.
        version: What ran, with its version; empty if it did not get that far.
        reason: Why there is no measurement; None if there is one.
        times: The time of a run in seconds.
        round_medians: The median of each turn, for a look at drift.
        error: The largest relative error against the reference; None without one.
        correct: Whether the error is within the tolerance; None without a reference.
        setup_seconds: From the model's file to the first result.
        peak_bytes: The most memory that its process used.
    """

    name: str
    version: str = ""
    reason: str | None = None
    times: Summary | None = None
    round_medians: tuple[float, ...] = ()
    error: float | None = None
    correct: bool | None = None
    setup_seconds: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        threads: The threads that every contender was given.
        realtime: Whether it was measured at real-time priority.
        reference: What computed the results that the errors refer to, if anything could.
        outcomes: Fairway's first, then the peers'.
        profile: Fairway's kernels, if asked for.
    """

    threads: int
    realtime: bool
    reference: str | None
    outcomes: tuple[Outcome, ...]
    profile: Profile | None = field(default=None)

    @property
    def fairway(self) -> Outcome:
        """Fairway's own result."""
        return self.outcomes[0]

    def best_peer(self) -> Outcome | None:
        """The fastest peer with a correct result, if any was measured."""
        measured = [o for o in self.outcomes[1:] if o.times and o.correct is not False]
        return min(measured, key=_median, default=None)

    def speedup(self) -> float | None:
        """The best peer's time over Fairway's; above 1 Fairway is faster."""
        best = self.best_peer()
        if best is None or best.times is None or self.fairway.times is None:
            return None
        return best.times.median / self.fairway.times.median

    def to_json(self) -> dict[str, Any]:
        """The results as dicts, lists and scalars."""
        return {**asdict(self), "speedup": self.speedup()}

    def table(self) -> str:
        """The results as text for people."""
        from fairway.bench.tables import comparison_text

        return comparison_text(self)


def compare(
    model: Any,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    against: Sequence[str] = contenders.PEERS,
    threads: int | None = None,
    dims: Mapping[str, int] | None = None,
    settings: Settings | None = None,
    profile: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Measures a model with Fairway and with its peers.

    Each contender has a process of its own, which is stopped while another one's turn
    is measured. A peer that cannot run the model is in the result with the reason.

    Args:
        model: What `fairway.compile` takes, or the path of a saved model.
        args: Example arguments of a torch module.
        kwargs: Example keyword arguments.
        against: The peers, among `fairway.bench.contenders.PEERS`.
        threads: Threads for each contender; by default one for each usable core.
        dims: Sizes of an ONNX model's symbolic dimensions.
        settings: How to measure.
        profile: Whether to measure each kernel too.
        progress: Called with a few words as each stage begins.

    Raises:
        InvalidArgument: A peer or the model's kind is unknown, or real-time priority is
            asked for and not allowed.
        Error: Fairway cannot compile or run the model.
    """
    from fairway.executable import check_threads, default_threads

    chosen = settings or Settings()
    peers = contenders.resolve(against)
    count = default_threads() if threads is None else check_threads(threads)
    report = progress or _silent
    if chosen.realtime:
        check_permission()
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as name, _Race(chosen, count) as race:
        report("exporting the model")
        subject = Subject.make(model, args, kwargs or {}, dims or {}, Path(name))
        race.prepare(subject, peers, report)
        race.judge(subject)
        race.run(report)
        outcomes = race.outcomes()
        found = race.profile(report) if profile else None
        return Comparison(count, chosen.realtime, race.reference, outcomes, found)


class _Race:
    """The workers of one comparison and what they have shown so far."""

    def __init__(self, settings: Settings, threads: int) -> None:
        self._settings = settings
        self._threads = threads
        self._stack = contextlib.ExitStack()
        self._runners: dict[str, Worker] = {}
        self._results: dict[str, Outcome] = {}
        self._times: dict[str, list[list[float]]] = {}
        self.reference: str | None = None

    def __enter__(self) -> _Race:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(
        self, subject: Subject, peers: Sequence[str], report: Callable[[str], None]
    ) -> None:
        """Starts the workers and makes the model ready in each, one after the other."""
        for name in (contenders.FAIRWAY, *peers):
            reason = contenders.get(name).obstacle(subject.kind)
            if reason is not None:
                self._results[name] = Outcome(name, reason=reason)
                continue
            report(f"preparing {name}")
            worker = self._stack.enter_context(Worker(subject.folder / f"{name}.log"))
            try:
                version, seconds = worker.call("prepare", name, subject, self._threads)
            except WorkerFailure as failure:
                self._fail(name, failure)
                worker.close()
                continue
            self._results[name] = Outcome(name, version, setup_seconds=seconds)
            self._runners[name] = worker
        report("computing the reference")
        with (
            contextlib.suppress(WorkerFailure),
            Worker(subject.folder / "reference.log") as worker,
        ):
            self.reference = worker.call("reference", subject)

    def judge(self, subject: Subject) -> None:
        """Compares every contender's outputs with the reference."""
        for name in list(self._runners):
            with self._blaming(name):
                error, dtypes = self._runners[name].call("judge", subject)
                correct = None if error is None else error <= tolerance(dtypes)
                self._note(name, error=error, correct=correct)

    def run(self, report: Callable[[str], None]) -> None:
        """Measures the contenders in turns: A B C A B C ..."""
        settings = self._settings
        seconds = settings.seconds / settings.rounds
        runs = math.ceil(settings.repeats / settings.rounds)
        told = -math.inf
        for index in range(settings.rounds):
            if time.monotonic() - told > 5:
                report(f"measuring, round {index + 1} of {settings.rounds}")
                told = time.monotonic()
            with exclusive():
                for name in list(self._runners):
                    with self._blaming(name):
                        times = self._runners[name].call("turn", seconds, runs, settings.realtime)
                        self._times.setdefault(name, []).append(times)

    def profile(self, report: Callable[[str], None]) -> Profile:
        """Measures Fairway's kernels and this machine's peaks, in the same run."""
        report("measuring each kernel and the machine's peaks")
        worker, with_realtime = self._runners[contenders.FAIRWAY], self._settings.realtime
        worker.call("prepare_probe")
        peaks: list[Peaks] = []
        runs: list[list[float]] = []
        for _ in range(_PROFILE_TURNS):
            with exclusive():
                peaks.append(worker.call("probe", with_realtime))
                runs += worker.call("profile", _PROFILE_RUNS, with_realtime)
        return make_profile(worker.call("steps", runs), highest(peaks))

    def outcomes(self) -> tuple[Outcome, ...]:
        """The results, in the order of the contenders."""
        for name, turns in self._times.items():
            if name not in self._runners:
                continue
            with self._blaming(name):
                self._note(
                    name,
                    times=summarize([run for turn in turns for run in turn]),
                    round_medians=tuple(summarize(turn).median for turn in turns),
                    peak_bytes=self._runners[name].call("peak_bytes"),
                )
        return tuple(self._results.values())

    def _note(self, name: str, **fields: Any) -> None:
        self._results[name] = Outcome(**{**vars(self._results[name]), **fields})

    def _fail(self, name: str, failure: WorkerFailure) -> None:
        """Takes a contender out; without Fairway there is nothing to compare."""
        if name == contenders.FAIRWAY:
            raise InvalidArgument(f"Fairway cannot run this model: {failure}") from failure
        version = self._results[name].version if name in self._results else ""
        self._results[name] = Outcome(name, version, reason=str(failure))
        self._runners.pop(name, None)

    @contextlib.contextmanager
    def _blaming(self, name: str) -> Generator[None]:
        try:
            yield
        except WorkerFailure as failure:
            self._fail(name, failure)


def _median(outcome: Outcome) -> float:
    return outcome.times.median if outcome.times else math.inf


def _silent(_: str) -> None:
    pass
