# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations on single elements that torch-mlir lacks, or gets wrong for some dtypes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["pointwise_table"]


def pointwise_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    return {
        aten.angle.default: rules.angle,
        aten.maximum.default: lambda a, b: rules.keeping_nan(torch.gt, a, b),
        aten.minimum.default: lambda a, b: rules.keeping_nan(torch.lt, a, b),
        aten.clamp.default: rules.clamp_by_numbers,
        aten.clamp_max.default: lambda x, high: rules.clamp_by_numbers(x, None, high),
        aten.clamp_min.default: lambda x, low: rules.clamp_by_numbers(x, low, None),
        aten.hardtanh.default: rules.hardtanh,
        aten.clamp.Tensor: rules.clamp,
        aten.clamp_max.Tensor: lambda x, high: rules.clamp(x, None, high),
        aten.clamp_min.Tensor: lambda x, low: rules.clamp(x, low, None),
        aten.fmax.default: lambda a, b: rules.ignoring_nan(torch.maximum, a, b),
        aten.fmin.default: lambda a, b: rules.ignoring_nan(torch.minimum, a, b),
        aten.gelu.default: rules.gelu,
        aten.pow.Tensor_Scalar: rules.power,
        aten.pow.Tensor_Tensor: rules.whole_power,
        aten.pow.Scalar: rules.power_of_number,
    }


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def angle(self, x: Any) -> Any:
        if x.dtype.is_complex:
            return NotImplemented
        torch = self._torch
        if not x.dtype.is_floating_point:
            x = x.to(torch.float32)
        turned = torch.where(x < 0, math.pi, 0.0).to(x.dtype)
        return torch.where(x.isnan(), x, turned)

    def clamp(self, x: Any, low: Any = None, high: Any = None) -> Any:
        """torch-mlir compares bools as numbers with a sign, in which true is -1."""
        torch = self._torch
        if low is not None:
            x = torch.maximum(x, low)
        return x if high is None else torch.minimum(x, high)

    def clamp_by_numbers(self, x: Any, low: Any = None, high: Any = None) -> Any:
        """Selects such that NaN stays, which torch-mlir makes one of the bounds."""
        torch = self._torch
        kind = x.dtype
        for bound in (low, high):
            kind = kind if bound is None else torch.result_type(torch.empty(1, dtype=kind), bound)
        x = x.to(kind)
        if low is not None:
            x = torch.where(x < low, torch.full((), low, dtype=kind, device=x.device), x)
        if high is not None:
            x = torch.where(x > high, torch.full((), high, dtype=kind, device=x.device), x)
        return x

    def hardtanh(self, x: Any, low: Any = -1, high: Any = 1) -> Any:
        """Bounds have the tensor's dtype."""
        if not x.dtype.is_floating_point:
            low, high = int(low), int(high)
        return self.clamp_by_numbers(x, low, high)

    def keeping_nan(self, beyond: Callable[..., Any], a: Any, b: Any) -> Any:
        """torch-mlir gives the second where the first is NaN."""
        torch = self._torch
        kind = torch.result_type(a, b)
        if not kind.is_floating_point:
            return NotImplemented
        a, b = a.to(kind), b.to(kind)
        return torch.where(beyond(a, b) | a.isnan(), a, b)

    def ignoring_nan(self, choose: Callable[..., Any], a: Any, b: Any) -> Any:
        torch = self._torch
        chosen = choose(a, b)
        if not chosen.dtype.is_floating_point:
            return chosen
        a, b = torch.broadcast_tensors(a.to(chosen.dtype), b.to(chosen.dtype))
        return torch.where(a.isnan(), b, torch.where(b.isnan(), a, chosen))

    def gelu(self, x: Any, *, approximate: str = "none") -> Any:
        """The tanh form; torch-mlir's has 0.797724 where sqrt(2 / pi) is 0.797885."""
        if approximate != "tanh":
            return NotImplemented
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + self._torch.tanh(inner))

    def power(self, x: Any, exponent: Any) -> Any:
        """Small whole powers as products, which is how PyTorch computes squares and cubes.

        Up to eight MLIR multiplies, and stops at whole ones beyond. Their products are of float64,
        since each rounds.
        """
        torch = self._torch
        if not x.dtype.is_floating_point:
            if isinstance(exponent, float):
                return x.to(torch.get_default_dtype()) ** exponent
            x = x.to(torch.result_type(x, exponent))  # of truth values, whole numbers
            return self._repeated(x, exponent) if exponent >= 0 else NotImplemented
        if x.dtype in (torch.float16, torch.bfloat16):
            return (x.float() ** exponent).to(x.dtype)
        if exponent not in (2, 3):
            if not float(exponent).is_integer() or abs(exponent) <= 8:
                return NotImplemented
            result = self._repeated(x.double(), abs(int(exponent)))
            return (result if exponent > 0 else 1 / result).to(x.dtype)
        square = x * x
        return square * x if exponent == 3 else square

    def _repeated(self, x: Any, exponent: int) -> Any:
        """Square and multiply (Knuth, The Art of Computer Programming 2, 4.6.3)."""
        result = self._torch.ones_like(x)
        while exponent:
            if exponent & 1:
                result = result * x
            exponent >>= 1
            if exponent:
                x = x * x
        return result

    def whole_power(self, x: Any, exponent: Any) -> Any:
        """Integers to the power of integers, modulo the dtype's range, as PyTorch's wrap.

        Below zero, only 1 and -1 have a power that is whole; PyTorch gives zero for the rest.
        """
        torch = self._torch
        dtype = torch.result_type(x, exponent)
        if dtype.is_floating_point or dtype.is_complex or dtype == torch.bool:
            return NotImplemented
        x, exponent = torch.broadcast_tensors(x.to(dtype), exponent.to(dtype))
        limits = torch.iinfo(dtype)
        one = torch.ones_like(x)
        result, square = one, x
        for bit in range(limits.bits - (1 if limits.min < 0 else 0)):
            if bit:
                square = square * square
            result = torch.where((exponent >> bit) & 1 == 1, result * square, result)
        if limits.min == 0:
            return result
        odd = exponent & 1 == 1
        sign = torch.where(odd, x, one)
        inverse = torch.where((x == 1) | (x == -1), sign, torch.zeros_like(x))
        return torch.where(exponent < 0, inverse, result)

    def power_of_number(self, x: Any, exponent: Any) -> Any:
        torch = self._torch
        dtype = torch.result_type(x, exponent)
        if dtype.is_complex:
            return NotImplemented
        base = torch.full((), x, dtype=dtype, device=exponent.device)
        return torch.ops.aten.pow.Tensor_Tensor(base, exponent.to(dtype))
