# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bessel functions of orders 0 and 1, and the function of Airy.

Each is a polynomial near 0, beside a logarithm where it has one, and further on the product of
its asymptotic form and another polynomial, in the reciprocal.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from fairway.ingest.torch_special_fit import evaluate, in_double

__all__ = ["bessel_table"]

_FAR = 8.0  # where J, Y and I go over to their asymptotic forms
_FAR_K = 2.0
_AIRY_LOW, _AIRY_HIGH = -3.0, 2.0


def bessel_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""
    aten = torch.ops.aten
    functions: dict[Any, Callable[..., Any]] = {
        aten.i0.default: lambda x: x.abs().exp() * _scaled_i(torch, 0, x),
        aten.special_i0e.default: lambda x: _scaled_i(torch, 0, x),
        aten.special_i1.default: lambda x: x.abs().exp() * _scaled_i(torch, 1, x),
        aten.special_i1e.default: lambda x: _scaled_i(torch, 1, x),
        aten.special_modified_bessel_i0.default: lambda x: x.abs().exp() * _scaled_i(torch, 0, x),
        aten.special_modified_bessel_i1.default: lambda x: x.abs().exp() * _scaled_i(torch, 1, x),
        aten.special_modified_bessel_k0.default: lambda x: _k(torch, 0, x, False),
        aten.special_modified_bessel_k1.default: lambda x: _k(torch, 1, x, False),
        aten.special_scaled_modified_bessel_k0.default: lambda x: _k(torch, 0, x, True),
        aten.special_scaled_modified_bessel_k1.default: lambda x: _k(torch, 1, x, True),
        aten.special_bessel_j0.default: lambda x: _j(torch, 0, x),
        aten.special_bessel_j1.default: lambda x: _j(torch, 1, x),
        aten.special_bessel_y0.default: lambda x: _y(torch, 0, x),
        aten.special_bessel_y1.default: lambda x: _y(torch, 1, x),
        aten.special_spherical_bessel_j0.default: lambda x: _spherical_j0(torch, x),
        aten.special_airy_ai.default: lambda x: _airy(torch, x),
    }
    return {operation: in_double(torch, compute) for operation, compute in functions.items()}


@functools.cache
def _of_order(function: Callable[..., Any], order: int) -> Callable[[Any, Any], Any]:
    """A function of the order as one of the others, the same one each time."""
    return lambda mp, v: function(mp, order, v)


def _near(function: Callable[..., Any], order: int, end: float, x: Any) -> Any:
    """A function whose interpolant is in the square of x, up to `end`."""
    return evaluate(_of_order(function, order), 0, end * end, x.square())


def _i_near(mp: Any, order: int, x: Any) -> Any:
    return mp.besseli(order, x) * mp.exp(-x) / x**order


def _i_far(mp: Any, order: int, u: Any) -> Any:
    x = _FAR / u
    return mp.sqrt(x) * mp.besseli(order, x) * mp.exp(-x)


def _scaled_i(torch: Any, order: int, x: Any) -> Any:
    """I(x) e^-|x|; the asymptotic form is DLMF 10.40.1."""
    y = x.abs()
    near = evaluate(_of_order(_i_near, order), 0, _FAR, y)
    far = evaluate(_of_order(_i_far, order), 0, 1, _FAR / y) / y.sqrt()
    if order:
        near, far = x * near, torch.where(x < 0, -far, far)
    return torch.where(y < _FAR, near, far)


def _i_even(mp: Any, order: int, v: Any) -> Any:
    x = mp.sqrt(v)
    return mp.besseli(order, x) / x**order


def _k_even(mp: Any, order: int, v: Any) -> Any:
    x = mp.sqrt(v)
    if order:
        return (mp.besselk(1, x) - mp.log(x) * mp.besseli(1, x) - 1 / x) / x
    return mp.besselk(0, x) + mp.log(x) * mp.besseli(0, x)


def _k_far(mp: Any, order: int, u: Any) -> Any:
    x = _FAR_K / u
    return mp.sqrt(x) * mp.besselk(order, x) * mp.exp(x)


def _k(torch: Any, order: int, x: Any, scaled: bool) -> Any:
    """K(x), by DLMF 10.31.1 and 10.31.2 near 0, by 10.40.2 far from it."""
    even, i = (_near(function, order, _FAR_K, x) for function in (_k_even, _i_even))
    near = x.log() * x * i + 1 / x + x * even if order else even - x.log() * i
    far = evaluate(_of_order(_k_far, order), 0, 1, _FAR_K / x) / x.sqrt()
    near, far = (near * x.exp(), far) if scaled else (near, far * (-x).exp())
    return torch.where(x == 0, math.inf, torch.where(x < _FAR_K, near, far))


def _waves(mp: Any, order: int, u: Any) -> tuple[Any, Any]:
    """P and Q of DLMF 10.17.3 and 10.17.4, of which J and Y are made; u is (8 / x)^2."""
    x = _FAR / mp.sqrt(u)
    angle = x - (2 * order + 1) * mp.pi / 4
    sine, cosine = mp.sin(angle), mp.cos(angle)
    j, y = mp.besselj(order, x), mp.bessely(order, x)
    scale = mp.sqrt(mp.pi * x / 2)
    return scale * (j * cosine + y * sine), scale * x * (y * cosine - j * sine)


def _p(mp: Any, order: int, u: Any) -> Any:
    return _waves(mp, order, u)[0]


def _q(mp: Any, order: int, u: Any) -> Any:
    return _waves(mp, order, u)[1]


def _far_waves(order: int, x: Any) -> tuple[Any, Any]:
    """J and Y of x of at least 8. The angle's sine and cosine come from those of x itself."""
    u = (_FAR / x).square()
    p, q = (evaluate(_of_order(function, order), 0, 1, u) for function in (_p, _q))
    scale, q = 1 / (math.pi * x).sqrt(), q / x
    total, difference = x.sin() + x.cos(), x.sin() - x.cos()
    cosine, sine = (difference, -total) if order else (total, difference)
    return scale * (p * cosine - q * sine), scale * (p * sine + q * cosine)


def _j_even(mp: Any, order: int, v: Any) -> Any:
    x = mp.sqrt(v)
    return mp.besselj(order, x) / x**order


def _j(torch: Any, order: int, x: Any) -> Any:
    y = x.abs()
    near, far = _near(_j_even, order, _FAR, x), _far_waves(order, y)[0]
    if order:
        near, far = x * near, torch.where(x < 0, -far, far)
    return torch.where(y < _FAR, near, far)


def _y_even(mp: Any, order: int, v: Any) -> Any:
    x = mp.sqrt(v)
    rest = mp.bessely(order, x) - 2 / mp.pi * mp.log(x) * mp.besselj(order, x)
    return (rest + 2 / (mp.pi * x)) / x if order else rest


def _y(torch: Any, order: int, x: Any) -> Any:
    """Y(x); near 0 by DLMF 10.8.1 and 10.8.2."""
    even, j = (_near(function, order, _FAR, x) for function in (_y_even, _j_even))
    logarithm = 2 / math.pi * x.log()
    near = x * (logarithm * j + even) - 2 / math.pi / x if order else logarithm * j + even
    value = torch.where(x < _FAR, near, _far_waves(order, x)[1])
    return torch.where(x == 0, -math.inf, value)


def _spherical_j0(torch: Any, x: Any) -> Any:
    """sin(x) / x (DLMF 10.49.3)."""
    value = torch.where(x == 0, 1.0, x.sin() / x)
    return torch.where(x.isinf(), 0.0, value)


def _airy_near(mp: Any, x: Any) -> Any:
    return mp.airyai(x)


def _airy_falling(mp: Any, u: Any) -> Any:
    x = (_AIRY_HIGH**3 / u**2) ** (mp.mpf(1) / 3)
    return mp.airyai(x) * mp.exp(2 * mp.sqrt(x**3) / 3) * mp.sqrt(mp.sqrt(x))


def _airy_waves(mp: Any, u: Any) -> tuple[Any, Any]:
    """The two factors of DLMF 9.7.9 and 9.7.11; u is (-3 / x)^3."""
    x = -_AIRY_LOW / mp.cbrt(u)
    zeta = 2 * mp.sqrt(x**3) / 3
    sine, cosine = mp.sin(zeta - mp.pi / 4), mp.cos(zeta - mp.pi / 4)
    a, b = mp.airyai(-x), mp.airybi(-x)
    scale = mp.sqrt(mp.pi * mp.sqrt(x))
    return scale * (a * cosine - b * sine), scale * (a * sine + b * cosine) * mp.sqrt(x**3)


def _airy_p(mp: Any, u: Any) -> Any:
    return _airy_waves(mp, u)[0]


def _airy_q(mp: Any, u: Any) -> Any:
    return _airy_waves(mp, u)[1]


def _airy(torch: Any, x: Any) -> Any:
    """Ai(x): a wave for negative x, falling (DLMF 9.7.5) for positive, else a polynomial."""
    near = evaluate(_airy_near, _AIRY_LOW, _AIRY_HIGH, x)
    z = x.clamp(min=_AIRY_HIGH)
    cube = z.square() * z
    falling = evaluate(_airy_falling, 0, 1, (_AIRY_HIGH**3 / cube).sqrt())
    falling = falling * (cube.sqrt() * (-2 / 3)).exp() / z.sqrt().sqrt()
    z = (-x).clamp(min=-_AIRY_LOW)
    cube = z.square() * z
    u = -(_AIRY_LOW**3) / cube
    p, q = (evaluate(function, 0, 1, u) for function in (_airy_p, _airy_q))
    q = q / cube.sqrt()
    zeta = cube.sqrt() * (2 / 3)
    total, difference = zeta.sin() + zeta.cos(), zeta.sin() - zeta.cos()
    wave = (p * total + q * difference) / (2 * math.pi * z.sqrt()).sqrt()
    value = torch.where(x > _AIRY_HIGH, falling, torch.where(x < _AIRY_LOW, wave, near))
    return torch.where(x == math.inf, math.nan, value)
