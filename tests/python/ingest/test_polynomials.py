# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Polynomials of open sizes, found by their values at samples."""

from __future__ import annotations

import random

import pytest

from fairway.ingest.polynomials import find
from fairway.ingest.samples import choose

SAMPLES = tuple(zip(*choose(2), strict=True))
NAMES = ["batch", "sequence"]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda b, s: 7, "7"),
        (lambda b, s: 0, "0"),
        (lambda b, s: b, "batch"),
        (lambda b, s: 12 * b * s, "12*batch*sequence"),
        (lambda b, s: 2 * b - 1, "2*batch - 1"),
        (lambda b, s: 3 - s, "-sequence + 3"),
        (lambda b, s: b * s * s + 4 * b + 9, "batch*sequence**2 + 4*batch + 9"),
    ],
)
def test_formula_is_found(function, text: str) -> None:
    found = find(tuple(function(*sizes) for sizes in SAMPLES), SAMPLES)
    assert found is not None
    assert found.text(NAMES) == text
    sizes = (random.randint(0, 5000), random.randint(0, 5000))
    assert found.at(sizes) == function(*sizes)


@pytest.mark.parametrize(
    "function",
    [
        lambda b, s: s // 2,
        lambda b, s: (s - 1) // 2 + 1,
        lambda b, s: min(s, 1600),
        lambda b, s: b % 7,
    ],
)
def test_what_rounds_or_has_cases_is_none(function) -> None:
    assert find(tuple(function(*sizes) for sizes in SAMPLES), SAMPLES) is None
