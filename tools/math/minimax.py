#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Derives the polynomials of lib/Kernel/Math.

Each is the minimax approximation, in the weight that makes its error relative to the
function it serves, found by Remez's exchange algorithm on a grid of Chebyshev points and
rounded to single precision, but for the two of pow. Where it helps, coefficients are instead
rounded one after the other, lowest power first, each time fitting the rest again (Lawson's
algorithm). The printed error is that of the rounded coefficients.

Needs NumPy and mpmath. Prints every table: `python tools/math/minimax.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Function = Callable[[mp.mpf], mp.mpf]
GRID = 600


@dataclass(frozen=True)
class Polynomial:
    """One table: `function` on [low, high] by `degree`, errors multiplied by `weight`."""

    name: str
    function: Function
    weight: Function
    low: float
    high: float
    degree: int
    double: bool = False  # the coefficients stay in double precision


def remez(values: Vector, weights: Vector, columns: Vector) -> Vector:
    """The coefficients that minimise max |weights * (columns @ c - values)| on a sorted grid."""
    count = columns.shape[1]
    scale = np.abs(columns).max(axis=0)
    scaled = columns / scale
    angles = np.cos(np.pi * np.arange(count + 1) / count)
    reference = np.round((1 - angles) / 2 * (len(values) - 1)).astype(int)
    for _ in range(40):
        signs = (-1.0) ** np.arange(count + 1) / weights[reference]
        system = np.column_stack([scaled[reference], signs])
        solution = np.linalg.solve(system, values[reference])
        error = weights * (scaled @ solution[:-1] - values)
        extrema = alternating(error, count + 1)
        if extrema is None or np.array_equal(extrema, reference):
            break
        reference = extrema
    return solution[:-1] / scale


def alternating(error: Vector, count: int) -> npt.NDArray[np.int64] | None:
    """Where the error is extreme with alternating signs; None if in fewer than `count` places."""
    bounds = np.flatnonzero(np.diff(np.sign(error))) + 1
    places = np.array(
        [run[np.argmax(np.abs(error[run]))] for run in np.split(np.arange(len(error)), bounds)]
    )
    while len(places) > count:
        size = np.abs(error[places])
        if len(places) == count + 1:
            places = places[1:] if size[0] < size[-1] else places[:-1]
        else:
            # Two neighbours go, so that the signs keep alternating.
            weakest = int(np.argmin(np.maximum(size[:-1], size[1:])))
            places = np.delete(places, [weakest, weakest + 1])
    return places if len(places) == count else None


def lawson(values: Vector, weights: Vector, columns: Vector) -> Vector:
    """Like `remez`, by least squares reweighted; needs no alternation, converges slowly."""
    scale = np.abs(columns * weights[:, None]).max(axis=0)
    scaled = columns * weights[:, None] / scale
    target = values * weights
    shares = np.full(len(values), 1 / len(values))
    best, smallest = np.zeros(columns.shape[1]), np.inf
    for _ in range(100):
        root = np.sqrt(shares)
        solution = np.linalg.lstsq(scaled * root[:, None], target * root, rcond=None)[0]
        error = np.abs(scaled @ solution - target)
        if error.max() < smallest:
            best, smallest = solution / scale, error.max()
        shares *= error
        shares /= shares.sum()
    return best


def derive(polynomial: Polynomial) -> tuple[list[float], float]:
    """The coefficients, lowest power first, as the table rounds them; the largest error."""
    angles = np.pi * (np.arange(GRID) + 0.5) / GRID
    middle, half = (polynomial.low + polynomial.high) / 2, (polynomial.high - polynomial.low) / 2
    grid = middle - half * np.cos(angles)
    values = np.array([float(polynomial.function(mp.mpf(x))) for x in grid])
    weights = np.array([float(polynomial.weight(mp.mpf(x))) for x in grid])
    columns = np.vander(grid, polynomial.degree + 1, increasing=True)

    plain = remez(values, weights, columns)
    if polynomial.double:
        return plain.tolist(), float(np.abs(weights * (columns @ plain - values)).max())
    plain = plain.astype(np.float32).astype(np.float64)
    refitted = np.zeros_like(plain)
    for power in range(polynomial.degree + 1):
        rest = values - columns @ refitted
        refitted[power] = np.float32(lawson(rest, weights, columns[:, power:])[0])
    errors = [np.abs(weights * (columns @ c - values)).max() for c in (plain, refitted)]
    best = (plain, refitted)[int(np.argmin(errors))]
    return best.tolist(), float(min(errors))


def saturating(
    name: str,
    tail: Function,
    end: float,
    degree: int,
    *,
    first: float = 0.0,
    end_weight: float = 1.0,
) -> Polynomial:
    """`p` of 1 - (1 - a (first + p(a)))^8 = 1 - tail(a) on [0, end].

    Errors are relative to 1 - tail(a), to first order. `end_weight` makes them count so many
    times more at the end, where the result must round to 1.
    """

    def rest(a: mp.mpf) -> mp.mpf:
        return (1 - mp.root(tail(a), 8)) / a - mp.mpf(float(np.float32(first)))

    def weight(a: mp.mpf) -> mp.mpf:
        slope = 8 * mp.root(tail(a), 8) ** 7 * a
        return slope / (1 - tail(a)) * (1 + (end_weight - 1) * (a / end) ** 20)

    return Polynomial(name, rest, weight, 0.0, end, degree)


def tables() -> list[Polynomial]:
    """Every table, in the notation of the C++ files that use them."""
    ln2 = float(mp.log(2))
    root2 = float(mp.sqrt(2))
    slack = 1.002  # the reduced argument may pass the interval's end by a rounding

    def expm1_rest(r: mp.mpf) -> mp.mpf:
        return (mp.expm1(r) - r) / r**2

    def exp_weight(r: mp.mpf) -> mp.mpf:
        return r**2 / mp.exp(r)

    def expm1_weight(r: mp.mpf) -> mp.mpf:
        return abs(r**2 / mp.expm1(r))

    def log_rest(f: mp.mpf) -> mp.mpf:
        return (mp.log1p(f) - f) / f**2

    def log_weight(f: mp.mpf) -> mp.mpf:
        return abs(f**2 / mp.log1p(f))

    def log2_ratio(f: mp.mpf) -> mp.mpf:
        return mp.log1p(f) / (f * mp.log(2))

    def log_ratio(u: mp.mpf) -> mp.mpf:
        return 2 * mp.atanh(mp.sqrt(u)) / mp.sqrt(u) / mp.log(2)

    def sine_rest(u: mp.mpf) -> mp.mpf:
        return (mp.sin(mp.sqrt(u)) / mp.sqrt(u) - 1) / u

    def sine_weight(u: mp.mpf) -> mp.mpf:
        return u * mp.sqrt(u) / mp.sin(mp.sqrt(u))

    def tanh_rest(u: mp.mpf) -> mp.mpf:
        return (mp.tanh(mp.sqrt(u)) / mp.sqrt(u) - 1) / u

    def tanh_weight(u: mp.mpf) -> mp.mpf:
        return u * mp.sqrt(u) / mp.tanh(mp.sqrt(u))

    def gelu_tanh_tail(a: mp.mpf) -> mp.mpf:
        return 2 / (1 + mp.exp(2 * mp.sqrt(2 / mp.pi) * (a + mp.mpf("0.044715") * a**3)))

    return [
        Polynomial("kExp", expm1_rest, exp_weight, -ln2 * slack, ln2 * slack, 5),
        Polynomial("kExpm1", expm1_rest, expm1_weight, -ln2 * slack, ln2 * slack, 6),
        Polynomial("kExpNarrow", expm1_rest, exp_weight, -ln2 / 2 * slack, ln2 / 2 * slack, 3),
        Polynomial("kTanhSmall", tanh_rest, tanh_weight, 0.0, TANH_SPLIT**2, 4),
        Polynomial("kLog", log_rest, log_weight, root2 / 2 - 1, root2 - 1, 7),
        Polynomial("kLog2", log2_ratio, lambda f: 1 / log2_ratio(f), root2 / 2 - 1, root2 - 1, 8),
        Polynomial("kSine", sine_rest, sine_weight, 0.0, float((mp.pi / 2 * 1.005) ** 2), 3),
        Polynomial(
            "kLogRatio",
            log_ratio,
            lambda u: 1 / log_ratio(u),
            1e-12,  # 0 over 0
            ((root2 - 1) / (root2 + 1)) ** 2 * slack,
            4,
            double=True,
        ),
        Polynomial(
            "kExp2Wide",
            lambda r: mp.power(2, r),
            lambda r: mp.power(2, -r),
            -slack,
            slack,
            8,
            double=True,
        ),
        saturating("kErf", mp.erfc, 3.95, 7, first=ERF_FIRST),
        saturating("kGelu", lambda a: mp.erfc(a / mp.sqrt(2)), 5.6, 7),
        saturating("kGeluTanh", gelu_tanh_tail, 5.3, 10, end_weight=11.0),
    ]


TANH_SPLIT = 0.65
ERF_FIRST = 0.141047403

if __name__ == "__main__":
    mp.mp.dps = 30
    for table in tables():
        coefficients, error = derive(table)
        print(f"// {table.name}: error {error:.1e}")
        text = [c.hex() if table.double else f"{np.float32(c):.9g}f" for c in coefficients]
        print("{" + ", ".join(text) + "}")
