# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors and Python's numbers: dtypes, wrapping, NaN and infinity are PyTorch's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
import torch

import fairway

NAN, INF = float("nan"), float("inf")
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bool,
          torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]  # fmt: skip
NUMBERS = [2, -4, 0.5, -3.5, 1.0]
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(operator, name)
    for name in ("lt", "le", "gt", "ge", "eq", "ne", "add", "sub", "mul", "truediv", "floordiv",
                 "mod", "pow")
}  # fmt: skip
OPERATIONS |= {
    "rsub": lambda x, number: number - x,
    "at least": lambda x, number: torch.clamp(x, min=number),
    "at most": lambda x, number: torch.clamp(x, max=number),
}


def is_defined(name: str, dtype: torch.dtype, number: float) -> bool:
    """Whether PyTorch has the operation."""
    if dtype == torch.bool and name in ("sub", "rsub", "floordiv", "mod", "at least", "at most"):
        return False
    if dtype == torch.uint8 and number < 0:
        return False
    return name != "pow" or (dtype != torch.bool and number > 0)


class Numbers(torch.nn.Module):
    def __init__(self, of_constants: bool) -> None:
        super().__init__()
        self.of_constants = of_constants

    def forward(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        found = []
        for x in tensors:
            values = x
            if self.of_constants:
                values = (2.0, -3.5, 0.0, 1.0)
                values = [*values, NAN, INF] if x.dtype.is_floating_point else values
                values = [torch.full((2,), value, dtype=x.dtype) for value in values]
            for name, operation in OPERATIONS.items():
                for number in NUMBERS:
                    if is_defined(name, x.dtype, number):
                        found += [operation(value, number) for value in (
                            values if self.of_constants else [x])]  # fmt: skip
        return [*found, tensors[0] + 1]


# A constant of uint8 cannot be a result.
@pytest.mark.parametrize(
    ("dtype", "of_constants"),
    [(dtype, of_constants) for dtype in DTYPES for of_constants in (False, True)
     if not (of_constants and dtype == torch.uint8)],
    ids=str,
)  # fmt: skip
def test_numbers(dtype: torch.dtype, of_constants: bool) -> None:
    x = torch.randn(9) * 10
    if dtype.is_floating_point:
        x = torch.cat([x, torch.tensor([0.0, NAN, INF, 2.0, -4.0])])
    x = x.to(dtype)
    model = Numbers(of_constants)
    for got, want in zip(fairway.compile(model, (x,))(x), model(x), strict=True):
        torch.testing.assert_close(got, want, equal_nan=True)


def test_floored_quotients_are_exact() -> None:
    x, y = torch.randn(200) * 100, torch.randn(200)
    x[:3], y[:3] = torch.tensor([1.0, -1.0, 6.0]), torch.tensor([0.1, 0.1, 0.0])

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return x // y, torch.remainder(x, y), torch.div(x, y, rounding_mode="trunc")

    for got, want in zip(fairway.compile(Model(), (x, y))(x, y), Model()(x, y), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-6, atol=0, equal_nan=True)


def test_activations_keep_nan() -> None:
    names = ("relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu", "elu", "silu",
             "softplus", "gelu", "mish", "selu", "celu", "tanhshrink", "softsign", "sigmoid",
             "logsigmoid", "hardshrink", "softshrink")  # fmt: skip

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [getattr(torch.nn.functional, name)(x) for name in names]

    x = torch.cat([torch.randn(20) * 4, torch.tensor([NAN, 0.0, 40.0, -40.0])])
    results = fairway.compile(Model(), (x,))(x)
    for name, got, want in zip(names, results, Model()(x), strict=True):
        torch.testing.assert_close(
            got, want, equal_nan=True, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_whole_numbers_wrap() -> None:
    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
            rest = x % y
            return x + y, x * y, x - y, -x, x // y, rest, x.abs(), torch.fmod(x, y), x << 1, x >> 1

    for dtype in (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8):
        limits = torch.iinfo(dtype)
        x = torch.tensor([limits.min + 1, limits.max, limits.max - 1, 7, 3, limits.min + 5])
        x, y = x.to(dtype), torch.tensor([limits.max, 2, 3, 5, 100, 7]).to(dtype)
        for got, want in zip(fairway.compile(Model(), (x, y))(x, y), Model()(x, y), strict=True):
            torch.testing.assert_close(got, want, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.int64], ids=str)
def test_dividing_by_zero_ends_nothing(dtype: torch.dtype) -> None:
    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return torch.div(x, y, rounding_mode="trunc"), x % y

    least = torch.iinfo(dtype).min
    x, y = torch.tensor([7, -7, least, 0]).to(dtype), torch.tensor([0, 2, -1, 0]).to(dtype)
    quotient, rest = fairway.compile(Model(), (x, torch.ones_like(y)))(x, y)
    assert quotient.tolist() == [0, -3, least, 0]
    assert rest.tolist() == [0, 1, 0, 0]


def test_comparisons_and_extremes_of_nan() -> None:
    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
            results = [torch.maximum(x, y), torch.minimum(x, y), x.amax(), x.argmin(), x.sign()]
            results += [x == x, x != x, x < y, x >= y, x == y, torch.hypot(x, y)]  # noqa: PLR0124
            return [*results, torch.clamp(x, y, y + 1), torch.fmax(x, y), x.max(0).indices]

    x = torch.tensor([1.0, NAN, -2.0, INF, NAN, 3.0])
    y = torch.tensor([NAN, 2.0, -3.0, -INF, NAN, 4.0])
    for got, want in zip(fairway.compile(Model(), (x, y))(x, y), Model()(x, y), strict=True):
        torch.testing.assert_close(got, want, equal_nan=True)
