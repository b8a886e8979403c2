# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The error function's inverse and scaled form, and the normal distribution's of both."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fairway.ingest.torch_special_fit import evaluate, in_double

__all__ = ["error_table"]

_PIECES = ((2.0, 6.25), (6.25, 28.0))  # exp(-28^2) is less than any float64


def error_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""

    def erfinv(x: Any) -> Any:
        return _inverse(torch, x, (1 - x) * (1 + x))

    def ndtri(p: Any) -> Any:
        return math.sqrt(2) * _inverse(torch, 2 * p - 1, 4 * p * (1 - p))

    def log_ndtr(x: Any) -> Any:
        z = x * math.sqrt(0.5)
        left = (_erfcx(torch, -z) / 2).log() - z * z
        return torch.where(x < -1, left, (_erfc(torch, z) / -2).log1p())

    aten = torch.ops.aten
    functions: dict[Any, Callable[..., Any]] = {
        aten.erfc.default: lambda x: _erfc(torch, x),
        aten.erfinv.default: erfinv,
        aten.special_ndtri.default: ndtri,
        aten.special_log_ndtr.default: log_ndtr,
        aten.special_erfcx.default: lambda x: _erfcx(torch, x),
    }
    return {operation: in_double(torch, compute) for operation, compute in functions.items()}


def _inverse_near(mp: Any, w: Any) -> Any:
    x = mp.sqrt(-mp.expm1(-w))
    return mp.erfinv(x) / x


def _inverse_far(mp: Any, s: Any) -> Any:
    """By Newton's method: the y where log(1 - erf(y)^2) is -s^2."""
    y = s
    for _ in range(8):
        rest = mp.erfc(y) * (2 - mp.erfc(y))
        slope = 4 * mp.erf(y) * mp.exp(-y * y) / (mp.sqrt(mp.pi) * rest)
        y += (mp.log(rest) + s * s) / slope
    return y


def _inverse(torch: Any, x: Any, rest: Any) -> Any:
    """The inverse of erf at x, `rest` being 1 - x^2, more precise where that is small.

    It is a function of -log(rest), as smooth as polynomials need: M. Giles, Approximating the
    erfinv function, GPU Computing Gems 2.
    """
    w = -rest.log()
    s = w.sqrt()
    first, second = (evaluate(_inverse_far, low, high, s) for low, high in _PIECES)
    far = torch.where(s < _PIECES[1][0], first, second)
    far = torch.where(rest == 0, math.inf, far)
    return torch.where(w < 4, x * evaluate(_inverse_near, 0, 4, w), torch.where(x < 0, -far, far))


def _scaled(mp: Any, t: Any) -> Any:
    x = 2 / t - 2
    return mp.erfc(x) * mp.exp(x * x) * (x + 1)


def _erfcx(torch: Any, x: Any) -> Any:
    """exp(x^2) erfc(x); a polynomial in 2 / (2 + x), reflected (DLMF 7.4.2) for negative x."""
    y = x.abs()
    value = evaluate(_scaled, 0, 1, 2 / (2 + y)) / (y + 1)
    return torch.where(x < 0, 2 * (x * x).exp() - value, value)


def _erfc(torch: Any, x: Any) -> Any:
    """1 - erf(x), also where erf is 1 but for rounding."""
    y = x.abs()
    value = _erfcx(torch, y) * (-y * y).exp()
    return torch.where(x < 0, 2 - value, value)
