# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Orthogonal polynomials whose degree is a tensor or a number, rounded towards zero.

A negative degree gives 0, as in PyTorch.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from fairway.ingest.torch_special_fit import in_double

__all__ = ["polynomial_table"]

# Recurrences are written out, so a degree that is a tensor has a limit; above it NaN results.
# PyTorch has the same limit for the polynomials of Hermite in float32.
_HIGHEST = 64

_Recurrence = Callable[[int, Any, Any, Any], Any]


def polynomial_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""
    aten = torch.ops.aten
    functions: dict[str, Callable[..., Any]] = {}
    for letter, compute in (("t", _t), ("u", _u), ("v", _v), ("w", _w)):
        functions[f"chebyshev_polynomial_{letter}"] = functools.partial(compute, torch)
        functions[f"shifted_chebyshev_polynomial_{letter}"] = functools.partial(
            lambda compute, x, n: compute(torch, 2 * x - 1, n), compute
        )
    for name, recurrence in _RECURRENCES.items():
        functions[name] = functools.partial(_recur, torch, recurrence)
    table: dict[Any, Callable[..., Any]] = {}
    for name, compute in functions.items():
        operation = getattr(aten, f"special_{name}")
        for overload in (operation.default, operation.x_scalar):
            table[overload] = in_double(torch, compute)
    # A degree that is a number, but for Chebyshev's: its comparisons are compiled wrongly.
    for name, recurrence in _RECURRENCES.items():
        operation = getattr(aten, f"special_{name}").n_scalar
        table[operation] = _of_number(torch, recurrence)
    return table


def _of_number(torch: Any, recurrence: _Recurrence) -> Callable[..., Any]:
    def decomposition(x: Any, n: Any) -> Any:
        return in_double(torch, lambda x: _recur(torch, recurrence, x, int(n)))(x)

    return decomposition


def _degree(n: Any) -> tuple[Any, Any, Any]:
    """The degree, whether it is odd, and whether it is negative."""
    n = n.trunc()
    return n, n - 2 * (n / 2).floor() == 1, n < 0


def _angle(torch: Any, y: Any) -> Any:
    """The angle whose cosine is y >= 0; if that is above 1, whose hyperbolic cosine is y."""
    root = ((y - 1).abs() * (y + 1)).sqrt()
    return torch.where(y > 1, (y - 1 + root).log1p(), 2 * torch.atan2(root, y + 1))


def _cosine(torch: Any, y: Any, angle: Any) -> Any:
    return torch.where(y > 1, angle.cosh(), angle.cos())


def _sine(torch: Any, y: Any, angle: Any) -> Any:
    return torch.where(y > 1, angle.sinh(), angle.sin())


def _t(torch: Any, x: Any, n: Any) -> Any:
    """cos(n theta) for x = cos(theta) (DLMF 18.5.1), cosh if x > 1."""
    n, odd, negative = _degree(n)
    y = x.abs()
    value = _cosine(torch, y, n * _angle(torch, y))
    value = torch.where(odd & (x < 0), -value, value)
    return torch.where(negative, 0.0, torch.where(n == 0, 1.0, value))


def _u(torch: Any, x: Any, n: Any) -> Any:
    """sin((n + 1) theta) / sin(theta) (DLMF 18.5.2)."""
    n, odd, negative = _degree(n)
    y = x.abs()
    angle = _angle(torch, y)
    value = _sine(torch, y, (n + 1) * angle) / _sine(torch, y, angle)
    value = torch.where(y == 1, n + 1, value)
    value = torch.where(odd & (x < 0), -value, value)
    return torch.where(negative, 0.0, torch.where(n == 0, 1.0, value))


def _v(torch: Any, x: Any, n: Any) -> Any:
    """cos((n + 1/2) theta) / cos(theta / 2), PyTorch's third kind (DLMF's fourth, 18.5.4).

    For negative x it is the fourth kind of -x, whose angle is precise where x is near -1.
    """
    n, odd, negative = _degree(n)
    y = x.abs()
    angle = _angle(torch, y)
    cosines = _cosine(torch, y, (n + 0.5) * angle) / _cosine(torch, y, angle / 2)
    sines = _sine(torch, y, (n + 0.5) * angle) / _sine(torch, y, angle / 2)
    sines = torch.where(y == 1, 2 * n + 1, sines)
    value = torch.where(x < 0, torch.where(odd, -sines, sines), cosines)
    return torch.where(negative, 0.0, torch.where(n == 0, 1.0, value))


def _w(torch: Any, x: Any, n: Any) -> Any:
    """sin((n + 1/2) theta) / sin(theta / 2), which is V of -x but for the sign."""
    value = _v(torch, -x, n)
    return torch.where(_degree(n)[1], -value, value)


# Of degree k + 1 from those of k and k - 1, DLMF 18.9.1 with table 18.9.1.
_RECURRENCES: dict[str, _Recurrence] = {
    "hermite_polynomial_h": lambda k, x, q, p: (x * q - k * p) * 2,
    "hermite_polynomial_he": lambda k, x, q, p: x * q - k * p,
    "laguerre_polynomial_l": lambda k, x, q, p: ((2 * k + 1 - x) * q - k * p) / (k + 1),
    "legendre_polynomial_p": lambda k, x, q, p: (x * q * (2 * k + 1) - k * p) / (k + 1),
}


def _recur(torch: Any, recurrence: _Recurrence, x: Any, n: Any) -> Any:
    if not isinstance(n, torch.Tensor):
        if n > _HIGHEST:
            return NotImplemented
        before, now = torch.zeros_like(x), torch.full_like(x, float(n >= 0))
        for k in range(n):
            before, now = now, recurrence(k, x, now, before)
        return now
    x, n = torch.broadcast_tensors(x, n.trunc())
    before, now = torch.zeros_like(x), torch.ones_like(x)
    value = torch.where(n < 0, 0.0, torch.where(n == 0, 1.0, math.nan))
    for k in range(_HIGHEST):
        before, now = now, recurrence(k, x, now, before)
        value = torch.where(n == k + 1, now, value)
    return value
