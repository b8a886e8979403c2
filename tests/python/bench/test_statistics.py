# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Summaries of runs, errors of results, shares of peaks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fairway.bench.profiling import Peaks, highest, make_profile
from fairway.bench.protocol import StepTimes
from fairway.bench.summary import geometric_mean, quantile, summarize
from fairway.verification.accuracy import relative_error, tolerance


def test_summary_agrees_with_numpy() -> None:
    values = np.random.default_rng().exponential(size=101).tolist()
    found = summarize(values)
    assert found.median == pytest.approx(np.median(values))
    assert found.p10 == pytest.approx(np.quantile(values, 0.1))
    assert found.p90 == pytest.approx(np.quantile(values, 0.9))
    assert found.least == min(values)
    assert found.runs == 101
    assert found.spread == pytest.approx((found.p90 - found.p10) / found.median)


def test_one_run_is_its_own_summary() -> None:
    found = summarize([0.25])
    assert (found.median, found.p10, found.p90, found.least) == (0.25,) * 4
    assert found.spread == 0


def test_an_outlier_does_not_move_the_median() -> None:
    assert summarize([1.0, 1.0, 1.0, 1.0, 1000.0]).median == 1.0


def test_quantile_interpolates() -> None:
    assert quantile([0.0, 10.0], 0.25) == 2.5


def test_geometric_mean_treats_halves_and_doubles_alike() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)


def test_error_is_relative_to_the_largest_value() -> None:
    wanted = np.array([[-4.0, 0.0]])
    assert relative_error([wanted + 0.004], [wanted]) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [np.zeros((1, 3))],
        [np.full((1, 2), np.nan)],
        [np.full((1, 2), np.inf)],
    ],
    ids=["count", "shape", "nan", "infinite"],
)
def test_error_is_infinite_where_results_cannot_be_compared(found: list[np.ndarray]) -> None:
    assert relative_error(found, [np.ones((1, 2))]) == math.inf


def test_equal_infinities_are_no_error() -> None:
    value = np.array([-np.inf, 1.0, np.nan])
    assert relative_error([value.astype(np.float32)], [value]) == 0


def test_empty_outputs_are_equal() -> None:
    assert relative_error([np.zeros((0, 3))], [np.zeros((0, 3))]) == 0


def test_tolerance_follows_the_coarsest_type() -> None:
    assert tolerance(["int64"]) == 0
    assert tolerance(["float32"]) < tolerance(["float32", "float16"]) < tolerance(["bfloat16"])
    assert 1e-4 < tolerance(["float32"]) < 1e-3


def test_profile_adds_calls_of_a_kernel_and_sorts_by_time() -> None:
    peaks = Peaks(flops=1e9, memory=1e8, cache=None, threads=1)
    steps = [
        StepTimes("a", 1, 1000, 100, 1e-6),
        StepTimes("b", 1, 10_000, 100, 20e-6),
        StepTimes("a", 1, 1000, 100, 3e-6),
    ]
    profile = make_profile(steps, peaks)
    assert [kernel.name for kernel in profile.kernels] == ["b", "a"]
    a = profile.kernels[1]
    assert (a.calls, a.flops, a.bytes) == (2, 2000, 200)
    assert a.compute == pytest.approx(2000 / 4e-6 / 1e9)
    assert a.bandwidth == pytest.approx(200 / 4e-6 / 1e8)
    assert a.attainable == max(a.compute, a.bandwidth)
    assert profile.seconds == pytest.approx(24e-6)


def test_a_kernel_too_short_for_the_clock_divides_by_nothing() -> None:
    peaks = Peaks(flops=1e9, memory=1e8, cache=None, threads=1)
    assert math.isfinite(make_profile([StepTimes("a", 1, 1, 1, 0.0)], peaks).kernels[0].compute)


def test_the_best_measurement_of_a_peak_counts() -> None:
    found = highest([Peaks(3.0, 1.0, None, 2), Peaks(2.0, 5.0, 4.0, 2)])
    assert found == Peaks(3.0, 5.0, 4.0, 2)
    assert highest([Peaks(1.0, 1.0, None, 1)]).cache is None
