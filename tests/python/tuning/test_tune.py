# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tuning from end to end. Where who wins must be certain, the clock is replaced, not the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairway
from fairway.cache import Cache
from fairway.errors import InvalidArgument, TuningError
from fairway.tuning import Database, Record, Settings, session
from fairway.tuning.config import KernelConfig
from fairway.tuning.measuring import Paired

torch = pytest.importorskip("torch")

QUICK = Settings(budget=30, variants=2, runs=3)
THREADS = 2


def perceptron() -> tuple[Any, tuple[Any, ...]]:
    net = torch.nn.Sequential(
        torch.nn.Linear(512, 768), torch.nn.GELU(), torch.nn.Linear(768, 256), torch.nn.Softmax(-1)
    )
    return net.eval(), (torch.randn(64, 512),)


def convolution() -> tuple[Any, tuple[Any, ...]]:
    net = torch.nn.Sequential(
        torch.nn.Conv2d(16, 64, 3, padding=1),
        torch.nn.BatchNorm2d(64),
        torch.nn.ReLU(),
        torch.nn.Conv2d(64, 64, 3, padding=1),
    )
    return net.eval(), (torch.randn(1, 16, 28, 28),)


MODELS = pytest.mark.parametrize("make", [perceptron, convolution])


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def configs(executable: fairway.Executable) -> dict[str, str]:
    return {step.name: step.config for step in executable.plan().steps}


def replace_clock(monkeypatch: pytest.MonkeyPatch, ratio: float) -> None:
    """Whatever is made in another way than the default takes `ratio` times as long."""

    def compare(first: Any, second: Any, *_: object) -> dict[str, Paired]:
        found: dict[str, Paired] = {}
        for a, b in zip(first.steps, second.steps, strict=True):
            time = 1.0 if a.config == b.config else ratio
            found[a.name] = Paired(1.0, time, time, 0.0, 9)
        return found

    monkeypatch.setattr(session, "profile_pairs", compare)


@pytest.fixture
def all_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other way to make a kernel takes half of the time."""
    replace_clock(monkeypatch, 0.5)
    monkeypatch.setattr(session, "run_pairs", lambda *_: Paired(2.0, 1.0, 0.5, 0.1, 9))


@MODELS
@pytest.mark.usefixtures("all_win")
def test_winners_are_what_later_compilations_use(
    make: Callable[[], tuple[Any, tuple[Any, ...]]], database: Database, tmp_path: Path
) -> None:
    net, args = make()
    cache = Cache(tmp_path / "cache")
    default = fairway.compile(net, args, threads=THREADS, cache=cache, tuning=database)
    result = fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    assert result.kept
    assert len(result.winners) >= 2
    assert {record.kernel for record in database.records()} == {k.id for k in result.winners}

    # The code in the cache is that of another configuration.
    tuned = fairway.compile(net, args, threads=THREADS, cache=cache, tuning=database)
    assert cache.info().entries == 2
    made = configs(tuned)
    for kernel in result.winners:
        assert kernel.best is not None
        assert made[kernel.name] != configs(default)[kernel.name]
        if kernel.best.tile is not None:
            assert KernelConfig.parse(made[kernel.name]).tile == kernel.best.tile
    again = fairway.compile(net, args, threads=THREADS, cache=cache, tuning=database)
    assert configs(again) == made
    assert cache.info().entries == 2

    # Not for those who want none of it, nor for other threads.
    for threads, tuning in ((THREADS, False), (THREADS + 1, database)):
        other = fairway.compile(net, args, threads=threads, cache=False, tuning=tuning)
        plain = fairway.compile(net, args, threads=threads, cache=False, tuning=False)
        assert configs(other) == configs(plain)

    fresh = torch.randn_like(args[0])
    with torch.no_grad():
        exact = net.double()(fresh.double()).numpy()
    for executable in (default, tuned):
        np.testing.assert_allclose(executable(fresh).numpy(), exact, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("all_win")
def test_equal_kernels_of_another_model_win_too(database: Database) -> None:
    net, args = perceptron()
    fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    other = torch.nn.Sequential(*list(net)[:2], torch.nn.Linear(768, 10)).eval()
    tuned = configs(fairway.compile(other, args, threads=THREADS, cache=False, tuning=database))
    plain = configs(fairway.compile(other, args, threads=THREADS, cache=False, tuning=False))
    assert sum(tuned[name] != plain[name] for name in plain) == 1


@pytest.mark.usefixtures("all_win")
def test_nothing_is_kept_if_the_whole_is_no_faster(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "run_pairs", lambda *_: Paired(1.0, 0.99, 0.99, 0.02, 9))
    net, args = perceptron()
    result = fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    assert result.winners
    assert not result.kept
    assert database.records() == []


@pytest.mark.usefixtures("all_win")
def test_wrong_results_never_win(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "agree", lambda *_: False)
    net, args = perceptron()
    result = fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    assert not result.winners
    assert database.records() == []


@pytest.mark.usefixtures("all_win")
def test_interruption_keeps_what_has_won(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare: Any = session.profile_pairs
    calls: list[object] = []

    def interrupted(*arguments: Any) -> dict[str, Paired]:
        calls.append(arguments)
        if len(calls) > 2:  # the noise, and one round
            raise KeyboardInterrupt
        return compare(*arguments)

    monkeypatch.setattr(session, "profile_pairs", interrupted)
    net, args = perceptron()
    result = fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    assert result.interrupted
    assert result.whole is None
    assert {r.name for r in database.records()} == {k.name for k in result.winners} != set()
    assert not any(record.confirmed for record in database.records())


@pytest.mark.usefixtures("all_win")
def test_earlier_winner_that_wins_no_more_goes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, args = perceptron()
    fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    assert database.records()
    replace_clock(monkeypatch, 2.0)
    result = fairway.tune(net, args, threads=THREADS, tuning=database, settings=QUICK)
    assert not result.winners
    assert database.records() == []


@MODELS
def test_real_session_says_what_it_measured(
    make: Callable[[], tuple[Any, tuple[Any, ...]]], database: Database
) -> None:
    net, args = make()
    titles: list[str] = []
    result = fairway.tune(
        net, args, threads=THREADS, tuning=database, settings=QUICK, progress=titles.append
    )
    plan = fairway.compile(net, args, threads=THREADS, cache=False, tuning=False).plan()
    assert {k.name: k.calls for k in result.kernels} == {k.name: k.calls for k in plan.kernels()}
    assert all(kernel.measured.runs >= 3 for kernel in result.kernels)
    assert all(0 < len(kernel.trials) <= 4 for kernel in result.kernels if kernel.default.tile)
    assert result.kept == (result.whole is not None and result.whole.is_faster(0.0))
    assert len(database.records()) == (len(result.winners) if result.kept else 0)
    assert any("trying other tiles" in title for title in titles)
    assert result.to_json()["kernels"][0]["name"] == result.kernels[0].name


def test_damaged_database_is_found_before_anything_is_measured(database: Database) -> None:
    database.path.parent.mkdir()
    database.path.write_bytes(b"damaged, " * 200)
    titles: list[str] = []
    net, args = perceptron()
    with pytest.raises(TuningError):
        fairway.tune(net, args, tuning=database, progress=titles.append)
    assert titles == []


def test_configuration_that_the_compiler_does_not_take_is_named(
    database: Database, record: Callable[..., Record]
) -> None:
    from fairway import targets
    from fairway.tuning.database import scope_of

    net, args = perceptron()
    cpu: Any = targets.get("cpu")
    request = targets.Request(cpu.machine("host", None, None), THREADS, "0.1.0", "")
    from fairway import ingest

    kernels = cpu.variants(ingest.load(net, args).module, request, 0, lambda _: None)
    database.add(record(scope_of("cpu", request), k.id, "rows = 99") for k in kernels)
    with pytest.raises(InvalidArgument, match=r"'rows = 99' is no configuration of a kernel"):
        fairway.compile(net, args, threads=THREADS, cache=False, tuning=database)
