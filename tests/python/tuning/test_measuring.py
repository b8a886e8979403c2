# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which differences count, and what is tried with a kernel."""

from __future__ import annotations

import numpy as np
import pytest

from fairway.compiler import KernelVariants
from fairway.tuning.config import KernelConfig
from fairway.tuning.measuring import Paired
from fairway.tuning.variants import Candidates


def drifting(gain: float, noise: float, count: int = 30) -> Paired:
    """Two builds on a machine whose speed wanders by far more than they differ."""
    generator = np.random.default_rng(0)
    speed = np.exp(np.cumsum(generator.normal(0, 0.1, count)))
    first = speed * (1 + generator.normal(0, noise, count))
    second = speed * gain * (1 + generator.normal(0, noise, count))
    return Paired.of(first.tolist(), second.tolist())


def test_pairs_see_through_a_machine_that_wanders() -> None:
    pair = drifting(gain=0.9, noise=0.02)
    assert pair.ratio == pytest.approx(0.9, abs=0.02)
    assert pair.is_faster(0.02)


@pytest.mark.parametrize(
    ("gain", "noise"),
    [(1.0, 0.02), (0.99, 0.005), (0.95, 0.3), (1.1, 0.01)],
    ids=["equal", "not worth it", "lost in noise", "slower"],
)
def test_what_is_not_faster_beyond_doubt_does_not_win(gain: float, noise: float) -> None:
    assert not drifting(gain, noise).is_faster(0.02)


def test_equal_times_have_no_spread() -> None:
    assert Paired.of([2.0] * 3, [1.0] * 3).spread == 0.0


MATMUL = KernelVariants(
    "matmul_0",
    "id",
    "tile = [0, 8], rows = 6, vectors = 2, piece = 256, prefetch = 1",
    ((0, 8), (32, 8), ()),
)


def test_tries_the_other_tilings_first() -> None:
    candidates = Candidates.of(MATMUL)
    assert candidates.pending == [KernelConfig(tile=(32, 8)), KernelConfig(tile=())]


def test_tries_other_loops_in_the_best_tiles() -> None:
    candidates = Candidates.of(MATMUL)
    candidates.best = KernelConfig(tile=(32, 8))
    candidates.add_loops(4)
    assert [str(config) for config in candidates.pending] == [
        "tile = [32, 8], piece = 512",
        "tile = [32, 8], piece = 0",
        "tile = [32, 8], prefetch = 0",
        "tile = [32, 8], prefetch = 2",
    ]


@pytest.mark.parametrize(
    "config",
    [
        MATMUL.config,
        "tile = []",
        "",
        "rows = 1, vectors = 4",
        "vectors = 8",
        "rows = 32, vectors = 1",
    ],
)
def test_tries_only_what_the_compiler_takes_and_nothing_twice(config: str) -> None:
    candidates = Candidates.of(KernelVariants("k", "id", config, ()))
    candidates.add_loops(100)
    for tried in candidates.pending:
        assert tried.rows is None or 1 <= tried.rows <= 32
        assert tried.vectors is None or 1 <= tried.vectors <= 8
    assert len(set(candidates.pending)) == len(candidates.pending)
