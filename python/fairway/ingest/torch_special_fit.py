# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Smooth functions as polynomials, which are derived when a graph first needs them.

What the special functions are made of (a correction to Stirling's formula, the modulus of a
Bessel function) is smooth on an interval, and there its interpolant at Chebyshev points is as
good as the best polynomial within a small factor (Trefethen, Approximation Theory and
Approximation Practice, chapters 3, 4 and 16). mpmath, which PyTorch brings along, gives the
values; so there are no tables of numbers that nobody can check.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import mpmath

__all__ = ["evaluate", "horner", "in_double", "interpolate"]

_POINTS = 64
_DIGITS = 40


def in_double(torch: Any, compute: Callable[..., Any]) -> Callable[..., Any]:
    """A decomposition that computes in float64 and rounds once, to what PyTorch gives.

    Args:
        torch: The module.
        compute: Takes tensors of float64, [...], and gives one.

    Returns:
        Takes real tensors and numbers and gives floats of their common dtype; numbers,
        whole numbers and truth values are of the default dtype.
    """

    def decomposition(*given: Any) -> Any:
        dtype = torch.result_type(given[0], given[-1])
        if dtype.is_complex:
            return NotImplemented
        wide = [
            value.double()
            if isinstance(value, torch.Tensor)
            else torch.full((), value, dtype=torch.float64)
            for value in given
        ]
        value = compute(*wide)
        if value is NotImplemented:
            return value
        return value.to(dtype if dtype.is_floating_point else torch.get_default_dtype())

    return decomposition


@functools.cache
def interpolate(function: Callable[[Any, Any], Any], low: float, high: float) -> Sequence[float]:
    """Interpolates a function by a polynomial, to the precision of float64.

    Args:
        function: Takes a context of mpmath and a number between `low` and `high`, both
            excluded, where it is analytic, ends included.
        low: The interval's beginning.
        high: Its end.

    Returns:
        The polynomial's coefficients in t, from that of 1 on, where t goes from -1 to 1.
    """
    context: Any = mpmath.MPContext()  # pyright: ignore[reportUnknownMemberType]
    context.dps = _DIGITS
    middle, half = (context.mpf(low) + high) / 2, (context.mpf(high) - low) / 2
    angles = [context.pi * (2 * k + 1) / (2 * _POINTS) for k in range(_POINTS)]
    values = [function(context, middle + half * context.cos(angle)) for angle in angles]
    terms = [
        context.fdot(values, [context.cos(n * angle) for angle in angles]) * 2 / _POINTS
        for n in range(_POINTS)
    ]
    terms[0] /= 2
    least = max(abs(term) for term in terms) * context.mpf(2) ** -56
    count = max(n for n, term in enumerate(terms) if abs(term) > least) + 1
    # T_n's coefficients, by T_n+1 = 2 t T_n - T_n-1 (DLMF 18.9.1).
    powers = [context.mpf(0)] * count
    before, now = [0] * count, [1] + [0] * (count - 1)
    for n, term in enumerate(terms[:count]):
        powers = [power + term * factor for power, factor in zip(powers, now, strict=True)]
        doubled = [0] + [(2 if n else 1) * factor for factor in now[:-1]]
        before, now = now, [a - b for a, b in zip(doubled, before, strict=True)]
    return tuple(float(power) for power in powers)


def horner(coefficients: Sequence[float], x: Any) -> Any:
    """The polynomial with these coefficients, from that of 1 on, at x."""
    *rest, last = coefficients
    value = x * 0 + last
    for coefficient in reversed(rest):
        value = value * x + coefficient
    return value


def evaluate(function: Callable[[Any, Any], Any], low: float, high: float, x: Any) -> Any:
    """A function's interpolant between `low` and `high` at x of float64, [...].

    Where x is outside of that, the value is finite and means nothing.
    """
    t = (x.clamp(low, high) - (low + high) / 2) * (2 / (high - low))
    return horner(interpolate(function, low, high), t)
