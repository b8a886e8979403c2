# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole numbers and division as PyTorch has them: conversions are written out, quotients exact.

torch-mlir takes uint8 for a number with a sign where it widens it by itself, ends its process for
products of 8 bits with a number, and negates and floors quotients by way of floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["promotion_table"]

_BINARY = ("add", "sub", "mul", "div", "lt", "le", "gt", "ge", "eq", "ne")


def promotion_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of the operations of this kind."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    table: dict[Any, Callable[..., Any]] = {
        aten.abs.default: rules.abs,
        aten.neg.default: rules.neg,
        aten.reciprocal.default: rules.reciprocal,
        aten.rsub.Scalar: rules.rsub,
        aten.fmod.Scalar: rules.fmod,
        aten.fmod.Tensor: rules.in_wider(torch.fmod),
        aten.remainder.Scalar: rules.in_wider(torch.remainder),
        aten.remainder.Tensor: rules.in_wider(torch.remainder),
        aten.div.Tensor_mode: rules.divide,
        aten.div.Scalar_mode: rules.divide,
        aten.floor_divide.default: lambda x, y: torch.div(x, y, rounding_mode="floor"),
        aten.floor_divide.Scalar: lambda x, y: torch.div(x, y, rounding_mode="floor"),
    }
    for name in _BINARY:
        operation = getattr(aten, name)
        table[operation.Tensor] = rules.promoted(operation.Tensor)
        table[operation.Scalar] = rules.promoted(operation.Tensor)
    table[aten.eq.Tensor] = rules.with_itself(aten.eq.Tensor, equal=True)
    table[aten.ne.Tensor] = rules.with_itself(aten.ne.Tensor, equal=False)
    for operation in (aten.sum.default, aten.prod.default):
        table[operation] = rules.widened(operation)
    return table


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._narrow = (torch.bool, torch.uint8, torch.int8, torch.int16)

    def _as(self, kind: Any, value: Any) -> Any:
        if isinstance(value, self._torch.Tensor):
            return value.to(kind)
        return self._torch.full((), value, dtype=kind)

    def promoted(self, operation: Any) -> Callable[..., Any]:
        """Brings both operands to the dtype that PyTorch computes in, if one is of few bits."""
        torch = self._torch
        is_quotient = operation is torch.ops.aten.div.Tensor

        def compute(x: Any, y: Any, alpha: Any = 1) -> Any:
            kinds = [value.dtype for value in (x, y) if isinstance(value, torch.Tensor)]
            if not any(kind in self._narrow for kind in kinds):
                return NotImplemented
            kind = torch.result_type(x, y)
            if is_quotient and not kind.is_floating_point:
                kind = torch.get_default_dtype()
            if kinds == [kind, kind] and alpha == 1:
                return NotImplemented
            x, y = self._as(kind, x), self._as(kind, y)
            return operation(x, y if alpha == 1 else y * self._as(kind, alpha))

        return compute

    def with_itself(self, operation: Any, *, equal: bool) -> Callable[..., Any]:
        """What is equal to itself is no NaN, which torch-mlir overlooks."""
        otherwise = self.promoted(operation)

        def compare(x: Any, y: Any) -> Any:
            if x is not y or not x.dtype.is_floating_point:
                return otherwise(x, y)
            return ~x.isnan() if equal else x.isnan()

        return compare

    def widened(self, operation: Any) -> Callable[..., Any]:
        """Sums and products of whole numbers are of 64 bits."""

        def reduce(x: Any, *args: Any, **kwargs: Any) -> Any:
            if x.dtype != self._torch.uint8:
                return NotImplemented
            return operation(x.to(kwargs.get("dtype") or self._torch.int64), *args, **kwargs)

        return reduce

    def neg(self, x: Any) -> Any:
        if x.dtype.is_floating_point or x.dtype.is_complex:
            return NotImplemented
        return self._torch.zeros((), dtype=x.dtype, device=x.device) - x

    def abs(self, x: Any) -> Any:
        return x.clone() if x.dtype == self._torch.uint8 else NotImplemented

    def reciprocal(self, x: Any) -> Any:
        if x.dtype.is_floating_point or x.dtype.is_complex:
            return NotImplemented
        return self._torch.reciprocal(x.to(self._torch.get_default_dtype()))

    def rsub(self, x: Any, number: Any, alpha: Any = 1) -> Any:
        if x.dtype not in self._narrow:
            return NotImplemented
        kind = self._torch.result_type(x, number)
        x = x.to(kind)
        return self._as(kind, number) - (x if alpha == 1 else x * self._as(kind, alpha))

    def fmod(self, x: Any, divisor: Any) -> Any:
        """torch-mlir has that of tensors."""
        kind = self._torch.result_type(x, divisor)
        return self._torch.fmod(x.to(kind), self._as(kind, divisor))

    def in_wider(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        """Divides whole numbers of 8 and 16 bits as such of 32, which torch-mlir can."""
        torch = self._torch

        def divide(x: Any, y: Any, **kwargs: Any) -> Any:
            kind = torch.result_type(x, y)
            if kind not in (torch.int8, torch.uint8, torch.int16):
                return NotImplemented
            x, y = self._as(torch.int32, x), self._as(torch.int32, y)
            return operation(x, y, **kwargs).to(kind)

        return divide

    def _divide_whole(self, x: Any, y: Any, rounding_mode: str | None) -> Any:
        torch = self._torch
        kind = torch.result_type(x, y)
        if rounding_mode != "floor":
            return self.in_wider(torch.div)(x, y, rounding_mode=rounding_mode)
        wide = torch.int64 if kind == torch.int64 else torch.int32
        x, y = self._as(wide, x), self._as(wide, y)
        quotient = torch.div(x, y, rounding_mode="trunc")
        rest = x - quotient * y
        return (quotient - ((rest != 0) & ((rest < 0) != (y < 0))).to(wide)).to(kind)

    def divide(self, x: Any, y: Any, *, rounding_mode: str | None) -> Any:
        """Floored quotients, exact: 1 // 0.1 is 9, as 0.1 is more than a tenth.

        After Python's `float_divmod`: the remainder comes first, and what is left divides
        without one. That of an infinity is NaN.
        """
        torch = self._torch
        kind = torch.result_type(x, y)
        if not kind.is_floating_point:
            return self._divide_whole(x, y, rounding_mode)
        if rounding_mode != "floor":
            return NotImplemented
        wide = torch.float32 if kind in (torch.float16, torch.bfloat16) else kind
        x = x.to(wide)
        y = y.to(wide) if isinstance(y, torch.Tensor) else torch.full((), y, dtype=wide)
        rest = torch.fmod(x, y)
        quotient = (x - rest) / y
        quotient = torch.where((rest != 0) & ((y < 0) != (rest < 0)), quotient - 1, quotient)
        floored = quotient.floor()
        floored = torch.where(quotient - floored > 0.5, floored + 1, floored)
        whole = torch.where(quotient == 0, torch.copysign(torch.zeros_like(x), x / y), floored)
        return torch.where(y == 0, x / y, whole).to(kind)
