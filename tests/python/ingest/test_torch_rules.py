# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What torch-mlir lacks, decomposed, gives what PyTorch gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import fairway
from fairway.ingest.torch_pointwise import pointwise_table
from fairway.ingest.torch_products import product_table
from fairway.ingest.torch_reductions import reduction_table
from fairway.ingest.torch_views import view_table
from fairway.ingest.torch_windows import window_table

aten = torch.ops.aten
NAN, INF = float("nan"), float("inf")
rules: dict[Any, Any] = {}
for table in (pointwise_table, product_table, reduction_table, view_table, window_table):
    rules |= table(torch)


def same(operation: Any, *args: Any, **kwargs: Any) -> None:
    ours = rules[operation](*args, **kwargs)
    assert ours is not NotImplemented
    theirs = operation(*args, **kwargs)
    torch.testing.assert_close(
        ours, tuple(theirs) if isinstance(theirs, (tuple, list)) else theirs, equal_nan=True
    )


def holed(*shape: int) -> torch.Tensor:
    x = torch.randn(shape)
    return torch.where(torch.rand(shape) < 0.2, NAN, x)


def test_single_numbers_are_reduced() -> None:
    x = torch.randn(())
    for operation in (aten.amax.default, aten.amin.default, aten.logsumexp.default):
        same(operation, x, [0], True)
    for operation in (aten.argmax.default, aten.argmin.default, aten.any.dim, aten.all.dim,
                      aten.prod.dim_int, aten.max.dim, aten.min.dim):  # fmt: skip
        same(operation, x, 0)
    for operation in (aten._softmax.default, aten._log_softmax.default):
        same(operation, x, -1, False)
    same(aten.logcumsumexp.default, x, 0)
    same(aten.linalg_vector_norm.default, x, INF, [0])
    same(aten.var.correction, x, [0], correction=0)


@pytest.mark.parametrize("operation", [aten.argmax.default, aten.argmin.default])
def test_places_of_extremes(operation: Any) -> None:
    for x in (holed(4, 6), torch.randint(-3, 3, (4, 6)), torch.randn(4, 6)):
        same(operation, x)
        same(operation, x, None, True)
        same(operation, x, 0, True)
        same(operation, x, -1)
    both = aten.max.dim if operation is aten.argmax.default else aten.min.dim
    same(both, holed(4, 6), 1, True)
    same(both, torch.rand(4, 6) < 0.5, 1)


def test_variances_of_too_few() -> None:
    for shape, dim in (((0,), None), ((0, 5), [0]), ((2, 3), [0]), ((1, 3), [0, 1])):
        for correction in (0, 1, 3):
            if shape[0] or correction:
                operation = aten.var.correction
                x = torch.randn(shape)
                if rules[operation](x, dim, correction=correction) is not NotImplemented:
                    same(operation, x, dim, correction=correction)
                    same(aten.var_mean.correction, x, dim, correction=correction)


@pytest.mark.parametrize("operation", [aten.any.dims, aten.all.dims])
def test_no_dimension_is_reduced(operation: Any) -> None:
    x = torch.randint(0, 2, (3, 4))
    same(operation, x, [])
    same(operation, x.to(torch.uint8), [])


@pytest.mark.parametrize("dim", [0, -1])
def test_running_reductions(dim: int) -> None:
    x = torch.randint(-3, 4, (5, 7))
    same(aten.cumsum.default, x.to(torch.int8), dim)
    same(aten.cumprod.default, torch.randn(5, 7), dim)
    same(aten.cumprod.default, x > -3, dim)
    for operation in (aten.cummax.default, aten.cummin.default):
        for given in (x, x > 0, x.float(), holed(5, 7), torch.tensor(3.0)):
            same(operation, given, dim)


def test_integers_to_a_power() -> None:
    for dtype in (torch.int64, torch.int32, torch.int8, torch.uint8):
        low = 0 if dtype == torch.uint8 else -9
        x = torch.randint(low, 10, (300,)).to(dtype)
        exponent = torch.randint(low, 80, (300,)).to(dtype)
        same(aten.pow.Tensor_Tensor, x, exponent)
        for number in (0, 1, 2, 5, 13):
            same(aten.pow.Tensor_Scalar, x, number)
    same(aten.pow.Scalar, 3, torch.arange(-2, 50))
    same(aten.pow.Scalar, 1.5, torch.randn(7))


def test_extremes_and_angles() -> None:
    a, b = holed(4, 1, 5), holed(3, 1)
    for operation in (aten.fmax.default, aten.fmin.default):
        same(operation, a, b)
        same(operation, a, torch.tensor(2))
    same(aten.angle.default, holed(30))
    same(aten.angle.default, torch.arange(-3, 3))
    low, high = torch.randn(5), torch.randn(3, 5)
    same(aten.clamp.Tensor, holed(3, 5), low, high)
    same(aten.clamp_max.Tensor, torch.randn(3, 5), low)


def test_bools_are_clamped() -> None:
    x, y = torch.rand(2, 40).round().bool()
    z = fairway.compile(Clamped(), (x, y))(x, y)
    torch.testing.assert_close(z, Clamped()(x, y))


class Clamped(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.clamp(x, max=y), torch.clamp(x, min=y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_products_with_a_start(dtype: torch.dtype) -> None:
    def tensor(*shape: int) -> torch.Tensor:
        return (torch.randn(shape) * 4).to(dtype)

    for factors in ({}, {"beta": 2, "alpha": 3}, {"beta": 0, "alpha": 2}):
        same(aten.addmv.default, tensor(3), tensor(3, 4), tensor(4), **factors)
        same(aten.addr.default, tensor(3, 4), tensor(3), tensor(4), **factors)
        same(aten.addbmm.default, tensor(3, 5), tensor(2, 3, 4), tensor(2, 4, 5), **factors)
    hole = torch.full((3,), NAN)
    same(aten.addmv.default, hole, torch.randn(3, 4), torch.randn(4), beta=0)


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, INF])
def test_distances(p: float) -> None:
    a, b = torch.randn(2, 4, 3), torch.randn(2, 5, 3)
    same(aten._cdist_forward.default, a, b, p, None)
    same(aten._cdist_forward.default, a[:, :0], b, p, None)
    same(aten._pdist_forward.default, a[0], p)
    same(aten.dist.default, a, b[:, :4], p)


def test_places_in_memory() -> None:
    x = torch.randn(4, 6)
    same(aten.as_strided_copy.default, x, [3, 2], [6, 2], 5)
    same(aten.as_strided_copy.default, x, [4, 3], [1, 1])
    same(aten.as_strided_scatter.default, x, torch.randn(3, 2), [3, 2], [6, 2], 5)
    for offset, length in ((0, 4), (1, 4), (3, 3), (-2, 2)):
        same(aten.diagonal_scatter.default, x, torch.randn(length), offset)
    planes = torch.randn(2, 3, 4)
    same(aten.diagonal_scatter.default, planes, torch.randn(3, 2), 0, 2, 0)
    same(aten.take.default, x, torch.randint(-24, 24, (2, 3)))
    same(aten.permute_copy.default, x, [1, 0])
    same(aten.gather.default, torch.tensor(2.0), 0, torch.tensor(0))
    same(aten.gather.default, torch.randn(4), 0, torch.tensor(3))
    same(aten.eye.m, 3, 5)
    same(aten.eye.default, 4, dtype=torch.int8)
    same(aten.arange.start_step, 2, 20, 3, dtype=torch.uint8)


def test_equal_distances() -> None:
    for dtype in (torch.float32, torch.float64, torch.int64, torch.int8):
        for start, end, steps in ((4.3, -3, 50), (0, 7, 5), (-2, 9, 1), (1, 2, 2), (3, 30, 0)):
            same(aten.linspace.default, start, end, steps, dtype=dtype)
    same(aten.linspace.Tensor_Scalar, torch.tensor(2.5), 9, 6)


def test_padding_by_less_than_nothing() -> None:
    x = torch.randn(4, 5, 6)
    same(aten.constant_pad_nd.default, x, [-1, 2, 3, -2], 1.5)
    same(aten.constant_pad_nd.default, x, [1, -6])


def test_windows() -> None:
    x = torch.randn(3, 7, 9)
    for pooled in (x, x.unsqueeze(0)):
        same(aten.adaptive_max_pool2d.default, pooled, [3, 4])
        same(aten.adaptive_max_pool2d.default, pooled, [9, 11])  # more windows than elements
        same(aten._adaptive_avg_pool2d.default, pooled, [3, 4])
        if pooled.ndim == 3:  # torch-mlir has windows of one size, but for batches
            same(aten._adaptive_avg_pool2d.default, pooled, [7, 3])
        same(aten._adaptive_avg_pool3d.default, pooled.unsqueeze(0), [2, 7, 10])
        same(aten.adaptive_max_pool3d.default, pooled.unsqueeze(0), [2, 7, 10])
    same(aten.max_pool2d_with_indices.default, x, [3, 2], [2, 2], [1, 0])
    same(aten.avg_pool2d.default, x, [3, 2], [2, 2], [1, 0], True, False)
    same(aten.max_pool3d_with_indices.default, x.unsqueeze(0), [2, 3, 2], [1, 2, 2])
    same(aten.avg_pool3d.default, x.unsqueeze(0), [2, 3, 2], [1, 2, 2])


@pytest.mark.parametrize("spatial", [2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_windows_of_one_image_compile(spatial: int, padding: int) -> None:
    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            pool = getattr(torch.nn.functional, f"max_pool{spatial}d")
            return pool(x, 3, 2, padding, return_indices=True)

    x = torch.randn(2, 5, 6, 5)[..., : 5 if spatial == 3 else 1].squeeze(-1)
    for got, want in zip(fairway.compile(Model(), (x,))(x), Model()(x), strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_windows_of_whole_numbers(ceil_mode: bool) -> None:
    x = torch.randint(-50, 50, (2, 3, 7, 9))
    for window in (([3],), ([3, 2], [2, 2], [1, 1]), ([2, 3], [3, 2], [1, 0], [3, 2])):
        kernel, stride, padding, dilation = (*window, *([], [0], [1])[len(window) - 1 :])
        given = (kernel, stride, padding, dilation, ceil_mode)
        same(aten.max_pool2d_with_indices.default, x, *given)
        same(aten.max_pool2d_with_indices.default, x[0], *given)
    given = ([2, 3, 2], [1, 2, 2], [1, 1, 0], [1, 2, 1], ceil_mode)
    same(aten.max_pool3d_with_indices.default, x, *given)

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            pool = torch.nn.functional.max_pool2d
            return (*pool(x, 3, 2, 1, 2, ceil_mode, return_indices=True), pool(x, 2))

    for got, want in zip(fairway.compile(Model(), (x,))(x), Model()(x), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=0)


@pytest.mark.parametrize("rows", [4, 40])
def test_products_in_groups(rows: int) -> None:
    x, weight = torch.randn(rows, 16), torch.randn(5, 16, 8)
    ends = torch.randint(0, rows + 1, (5,)).sort().values.to(torch.int32)

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, w: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.grouped_mm(x, w, offs=ends)

    wanted, start = torch.zeros(rows, 8), 0
    for matrix, end in zip(weight, ends.tolist(), strict=True):
        wanted[start:end] = x[start:end] @ matrix
        start = end
    torch.testing.assert_close(rules[aten._grouped_mm.default](x, weight, ends), wanted)
    given = (x.bfloat16(), weight.bfloat16(), ends)  # PyTorch traces it in no other dtype
    found = fairway.compile(Model(), given)(*given)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=0.05, atol=0.2)


def test_powers() -> None:
    exponents = (-17, -9, -8, -2.5, 0, 4, 8, 9, 16, 25, 31.5)

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [x**exponent for exponent in exponents]

    for dtype in (torch.float32, torch.float64):
        x = torch.rand(20).to(dtype) + 0.5
        for got, want in zip(fairway.compile(Model(), (x,))(x), Model()(x), strict=True):
            torch.testing.assert_close(got, want, rtol=2e-6, atol=0)
    x = -x  # whose even powers are positive, and uneven ones not
    for got, want in zip(fairway.compile(Model(), (x,))(x), Model()(x), strict=True):
        torch.testing.assert_close(got, want, rtol=2e-6, atol=0, equal_nan=True)


def test_squares_of_truth_values_are_whole_numbers() -> None:
    x = torch.rand(9) > 0.5

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return torch.square(x), x**3, x.to(torch.uint8) ** 2

    for got, want in zip(fairway.compile(Model(), (x,))(x), Model()(x), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=0)
