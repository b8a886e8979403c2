# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The gamma function's relatives: its logarithm, their derivatives, zeta, incomplete gamma."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from fairway.ingest.torch_special_fit import evaluate, in_double

__all__ = ["gamma_table"]

_LOWEST = 3.0  # from where on Stirling's formula is corrected by a polynomial
_TERMS = 10  # of the sum and of the correction of Euler and Maclaurin
_NODES = 40  # of a quadrature of Gauss and Legendre
_SMALLEST = 38.0  # exp(-38) is lost beside 1


def gamma_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""
    aten = torch.ops.aten

    def zeta_of_number(s: Any, q: Any) -> Any:
        if s > 1:
            return in_double(torch, functools.partial(_convergent_zeta, torch))(s, q)
        return in_double(torch, lambda q: torch.full_like(q, math.inf if s == 1 else math.nan))(q)

    def polygamma(n: int, x: Any) -> Any:
        return in_double(torch, functools.partial(_polygamma, torch, n))(x)

    return {
        aten.lgamma.default: in_double(torch, functools.partial(_lgamma, torch)),
        aten.digamma.default: in_double(torch, functools.partial(_digamma, torch)),
        aten.polygamma.default: polygamma,
        aten.special_zeta.default: in_double(torch, functools.partial(_zeta, torch)),
        aten.special_zeta.self_scalar: zeta_of_number,
        aten.igamma.default: in_double(torch, lambda a, x: _incomplete(torch, a, x)[0]),
        aten.igammac.default: in_double(torch, lambda a, x: _incomplete(torch, a, x)[1]),
    }


def _near_roots(mp: Any, z: Any) -> Any:
    return mp.loggamma(z) / ((z - 1) * (z - 2))


def _stirling(mp: Any, u: Any) -> Any:
    z = _LOWEST / mp.sqrt(u)
    return z * (mp.loggamma(z) - (z - 0.5) * mp.log(z) + z - mp.log(2 * mp.pi) / 2)


def _psi(mp: Any, z: Any) -> Any:
    return mp.psi(0, z)


def _psi_correction(mp: Any, u: Any) -> Any:
    z = 2 / mp.sqrt(u)
    return z * z * (mp.log(z) - 1 / (2 * z) - mp.psi(0, z))


def _correction(z: Any) -> Any:
    """Binet's function of z of at least 3 (DLMF 5.11.1, without its first terms)."""
    return evaluate(_stirling, 0, 1, (_LOWEST / z).square()) / z


def _lgamma(torch: Any, x: Any) -> Any:
    """The logarithm of |gamma(x)|: reflection (DLMF 5.5.3), a polynomial, Stirling's formula."""
    reflected = x < 0.5
    z = torch.where(reflected, 1 - x, x)
    low = z < 1.5
    y = torch.where(low, z + 1, z)  # its factors are taken of z, of which y loses digits
    product = torch.where(low, z * (z - 1), (z - 1) * (z - 2))
    logarithm = z.log()
    near = product * evaluate(_near_roots, 1.5, _LOWEST, y) - torch.where(low, logarithm, 0.0)
    far = (z - 0.5) * (logarithm - 1) + (math.log(2 * math.pi) - 1) / 2 + _correction(z)
    value = torch.where(z < _LOWEST, near, far)
    sine = ((x - x.round()) * math.pi).sin().abs()
    value = torch.where(reflected, math.log(math.pi) - sine.log() - value, value)
    return torch.where(x.isinf(), math.inf, value)


def _digamma(torch: Any, x: Any) -> Any:
    """Reflection (DLMF 5.5.4), recurrence (DLMF 5.5.2) and an asymptotic form (DLMF 5.11.2)."""
    z = torch.where(x < 0, 1 - x, x)
    low = z < 1
    near = evaluate(_psi, 1, 2, torch.where(low, z + 1, z)) - torch.where(low, 1 / z, 0.0)
    reciprocal = 1 / z
    square = reciprocal.square()
    far = z.log() - reciprocal / 2 - square * evaluate(_psi_correction, 0, 1, 4 * square)
    value = torch.where(z < 2, near, far)
    angle = (x - x.round()) * math.pi
    reflected = torch.where(angle == 0, math.nan, value - math.pi / angle.tan())
    return torch.where(x < 0, reflected, value)


def _polygamma(torch: Any, n: int, x: Any) -> Any:
    """Derivatives of digamma, which are values of zeta (DLMF 25.11.12)."""
    if n == 0:
        return _digamma(torch, x)
    factor = math.exp(math.lgamma(n + 1)) if n > 170 else float(math.factorial(n))
    order = torch.where(x == x, n + 1.0, math.nan)  # a tensor, as for any other zeta
    value = _convergent_zeta(torch, order, x) * (factor if n % 2 else -factor)
    return torch.where(x == math.inf, 0.0, value) if n == 1 else value  # NaN for others


def _zeta(torch: Any, s: Any, q: Any) -> Any:
    """Hurwitz' zeta (DLMF 25.11.1); infinite for s = 1, and below PyTorch gives NaN."""
    value = _convergent_zeta(torch, s, q)
    return torch.where(s == 1, math.inf, torch.where(s < 1, math.nan, value))


def _convergent_zeta(torch: Any, s: Any, q: Any) -> Any:
    """Hurwitz' zeta of s > 1: the sum over k of (q + k)^-s.

    For negative q and whole s, the terms of negative base are (-1)^s times those of a zeta
    of 1 - f, f being the fraction of q, without those of a zeta of 1 - q.
    """
    s, q = torch.broadcast_tensors(s, q)
    negative = q <= 0
    fraction = torch.where(negative, q - q.floor(), q)
    mirrored = torch.where(negative, 1 - fraction, 1.0)
    last = torch.where(negative, 1 - q, 1.0)
    ahead, first, rest = _positive_zeta(torch, s, torch.stack([fraction, mirrored, last])).unbind()
    odd = s - 2 * (s / 2).floor()
    value = torch.where(negative, ahead + (1 - 2 * odd) * (first - rest), ahead)
    value = torch.where(negative & (s != s.floor()), math.nan, value)
    value = torch.where(negative & (q == q.floor()), math.inf, value)
    return value


def _positive_zeta(torch: Any, s: Any, q: Any) -> Any:
    """Hurwitz' zeta of s > 1 and q > 0 by the formula of Euler and Maclaurin (DLMF 25.11.5)."""
    terms = torch.arange(_TERMS, dtype=torch.float64)
    total = (q.unsqueeze(-1) + terms).pow(-s.unsqueeze(-1)).sum(-1)
    y = q + _TERMS
    power = y.pow(-s)
    total = total + power * (y / (s - 1) + 0.5)
    term = power * s / y
    for k, number in enumerate(_bernoulli(2 * _TERMS)[2::2]):
        total = total + term * float(number / math.factorial(2 * k + 2))
        term = term * (s + (2 * k + 1)) * (s + (2 * k + 2)) / (y * y)
    return total


@functools.cache
def _bernoulli(most: int) -> list[Fraction]:
    """The numbers of Bernoulli up to that of `most`, by their recurrence (DLMF 24.5.3)."""
    numbers = [Fraction(1)]
    for n in range(1, most + 1):
        known = sum((math.comb(n + 1, k) * number for k, number in enumerate(numbers)), Fraction())
        numbers.append(-known / (n + 1))
    return numbers


def _incomplete(torch: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """The regularized incomplete gamma functions P(a, x) and Q(a, x).

    With t = x e^v in their integrals (DLMF 8.2.1 and 8.2.2), both are x^a e^-x / gamma(a)
    times the integral of exp(a v - x (e^v - 1)), over v < 0 and v > 0. The first falls
    monotonously from 1 if x <= a, the second if x >= a. What is above e^-38 of it is integrated
    by Gauss' quadrature (DLMF 3.5.18). P's series (DLMF 8.7.1) serves for x < 1.
    """
    a, x = torch.broadcast_tensors(a, x)
    infinite = a.isinf() | x.isinf()
    wrong = (a < 0) | (x < 0) | ((a == 0) & (x == 0)) | (a.isinf() & x.isinf())
    a0, x0 = (torch.where(infinite | wrong, 1.0, value) for value in (a, x))
    upper = x0 > a0
    front = _front(torch, a0, x0)

    y = x0.clamp(min=1.0)  # less is left to the series
    slope = (a0 - y).abs()
    width = _SMALLEST / y
    above = (width + (2 * width).sqrt()).log1p()  # y (e^v - 1 - v) is at least 38 there
    below = width / 2 + (width.square() / 4 + 2 * width).sqrt()  # and y (v - 1 + e^-v) here
    end = torch.minimum(torch.where(upper, above, below), _SMALLEST / slope)
    v = torch.where(upper, end, -end)
    falling, y = -slope * end, -y
    integral = torch.zeros_like(v)
    for place, weight in zip(*np.polynomial.legendre.leggauss(_NODES), strict=True):
        node = v * float((place + 1) / 2)
        exponent = falling * float((place + 1) / 2) + y * (node.expm1() - node)
        integral = integral + exponent.exp() * float(weight / 2)
    integral = front * a0 * end * integral

    z = x0.clamp(max=1.0)
    term = torch.ones_like(z)
    series = term
    for k in range(1, 19):  # 1 / 19! is lost beside 1
        term = term * z / (a0 + k)
        series = series + term

    low = x0 < 1
    p = torch.where(low, front * series, torch.where(upper, 1 - integral, integral))
    q = torch.where(~low & upper, integral, 1 - p)
    p = torch.where(infinite, torch.where(a.isinf(), 0.0, 1.0), p)
    q = torch.where(infinite, torch.where(a.isinf(), 1.0, 0.0), q)
    return torch.where(wrong, math.nan, p), torch.where(wrong, math.nan, q)


def _front(torch: Any, a: Any, x: Any) -> Any:
    """x^a e^-x / gamma(a + 1); for large a by Stirling's formula, in which a^a and e^a cancel."""
    small = torch.where(a == 0, 0.0, a * x.log()) - x - _lgamma(torch, a + 1)
    b = a.clamp(min=_LOWEST)
    ratio = (x - b) / b
    logarithm = torch.where(ratio.abs() < 0.5, ratio.log1p(), (x / b).log())
    large = -b * (ratio - logarithm) - _correction(b)
    exponent = torch.where(a < _LOWEST, small, large)
    return exponent.exp() / torch.where(a < _LOWEST, 1.0, (2 * math.pi * b).sqrt())
