# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations on a number's parts: its sign, its power of two, its divisors; and two sums."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from fairway.ingest.torch_special_fit import in_double

__all__ = ["number_table"]


def number_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""
    aten = torch.ops.aten

    def signbit(x: Any) -> Any:
        return _negative(x) if x.dtype.is_floating_point else NotImplemented

    def copysign_number(x: Any, sign: Any) -> Any:
        factor = math.copysign(1, sign)
        return in_double(torch, lambda x: x.abs() * factor)(x)

    def lcm(a: Any, b: Any) -> Any:
        dtype = torch.result_type(a, b)
        divisor = _gcd(torch, a, b).to(torch.int64).abs()  # int8's may be -128
        divisor = torch.where(divisor == 0, torch.ones_like(divisor), divisor)
        a, b = a.to(torch.int64), b.to(torch.int64)
        return (torch.div(a, divisor, rounding_mode="trunc") * b).abs().to(dtype)

    def logcumsumexp(x: Any, dim: int) -> Any:
        return in_double(torch, functools.partial(_logcumsumexp, torch, dim))(x)

    return {
        aten.signbit.default: signbit,
        aten.copysign.Scalar: copysign_number,
        aten.copysign.Tensor: in_double(torch, functools.partial(_copysign, torch)),
        aten.frexp.Tensor: lambda x: _frexp(torch, x),
        aten.nextafter.default: lambda x, y: _nextafter(torch, x, y),
        aten.gcd.default: lambda a, b: _gcd(torch, a, b),
        aten.lcm.default: lcm,
        aten.hypot.default: in_double(torch, functools.partial(_hypot, torch)),
        aten.logcumsumexp.default: logcumsumexp,
    }


def _negative(x: Any) -> Any:
    """Whether a number's sign is minus, that of 0 too. NaN counts as positive."""
    return (x < 0) | (1 / x < 0)


def _copysign(torch: Any, x: Any, sign: Any) -> Any:
    return torch.where(_negative(sign), -x.abs(), x.abs())


def _scale(torch: Any, x: Any) -> tuple[Any, Any, Any]:
    """Divides x of float64 by a power of two, by halving the range of exponents.

    Returns:
        The quotient's magnitude, from 1 to below 2 if x is neither 0 nor infinite nor NaN;
        the power; and its exponent.
    """
    y, power, exponent = x.abs(), torch.ones_like(x), torch.zeros_like(x)
    steps = [512, *(2**k for k in reversed(range(10)))]  # 1074 and more together
    for step in steps:
        for out, factor, sign in (
            (y >= 2.0**step, 2.0**-step, 1),
            (y < 2.0 ** (1 - step), 2.0**step, -1),
        ):
            y = torch.where(out, y * factor, y)
            power = torch.where(out, power / factor, power)
            exponent = torch.where(out, exponent + sign * step, exponent)
    return y, power, exponent


def _frexp(torch: Any, x: Any) -> Any:
    """A mantissa from 1/2 to below 1 and the exponent; of what has none, itself and 0."""
    wide = x.double()
    y, _, exponent = _scale(torch, wide)
    whole = (wide == 0) | ~wide.isfinite()
    mantissa = torch.where(whole, wide, torch.where(wide < 0, -y, y) / 2)
    return mantissa.to(x.dtype), torch.where(whole, 0.0, exponent + 1).to(torch.int32)


def _nextafter(torch: Any, x: Any, y: Any) -> Any:
    """The next number on the way to y: one unit of the last place on, IEEE 754's nextUp."""
    if x.dtype not in (torch.float32, torch.float64) or x.dtype != y.dtype:
        return NotImplemented
    limits = torch.finfo(x.dtype)
    a, b = torch.broadcast_tensors(x.double(), y.double())
    mantissa, power, _ = _scale(torch, a)
    outward = torch.where(a == 0, True, (a < b) == (a > 0))
    unit = torch.where(~outward & (mantissa == 1), power / 2, power) * limits.eps
    unit = torch.where(a == 0, 0.0, unit).clamp(min=limits.smallest_normal * limits.eps)
    value = torch.where(a < b, a + unit, a - unit)
    value = torch.where(a.isinf(), a.sign() * limits.max, value)
    value = torch.where(a == b, b, torch.where(a.isnan() | b.isnan(), math.nan, value))
    return value.to(x.dtype)


def _gcd(torch: Any, a: Any, b: Any) -> Any:
    """Euclid's algorithm, as often as the dtype's range may need it (Lame's theorem)."""
    dtype = torch.result_type(a, b)
    a, b = a.to(torch.int64).abs(), b.to(torch.int64).abs()
    one = torch.ones((), dtype=torch.int64)
    for _ in range(_euclid_steps(torch.iinfo(dtype).max)):
        done = b == 0
        a, b = torch.where(done, a, b), torch.fmod(a, torch.where(done, one, b))
    return a.abs().to(dtype)


def _euclid_steps(most: int) -> int:
    """How many divisions are enough: consecutive Fibonacci numbers need the most."""
    small, large, steps = 1, 2, 1
    while large <= most:
        small, large, steps = large, small + large, steps + 1
    return steps + 1


def _hypot(torch: Any, a: Any, b: Any) -> Any:
    a, b = a.abs(), b.abs()
    large, small = torch.maximum(a, b), torch.minimum(a, b)
    ratio = torch.where(large == 0, 0.0, small / large)
    value = large * (1 + ratio * ratio).sqrt()
    return torch.where(a.isinf() | b.isinf(), math.inf, value)


def _logcumsumexp(torch: Any, dim: int, x: Any) -> Any:
    """Each sum is a reduction of its own, masked, as in `cumsum`."""
    if x.numel() < 2:
        return x.clone()
    x = x.movedim(dim, -1)
    index = torch.arange(x.shape[-1], device=x.device)
    keep = index.unsqueeze(-1) >= index
    terms = torch.where(keep, x.unsqueeze(-2), -math.inf)
    most = terms.amax(-1, keepdim=True)
    most = torch.where(most.isinf(), 0.0, most)
    return ((terms - most).exp().sum(-1).log() + most.squeeze(-1)).movedim(-1, dim)
