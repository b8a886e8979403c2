# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Special functions are PyTorch's, to float64, and survive compilation."""

from __future__ import annotations

import math
from typing import Any

import pytest
import scipy.special
import torch

import fairway
from fairway.ingest.torch_special import special_table

aten, special = torch.ops.aten, torch.special
TABLE = special_table(torch)

# Those of PyTorch have errors of 1e-6 in float64 and of 1e-9.
PRECISE: dict[Any, Any] = {
    aten.special_bessel_j0.default: scipy.special.j0,
    aten.special_bessel_j1.default: scipy.special.j1,
    aten.special_bessel_y0.default: scipy.special.y0,
    aten.special_bessel_y1.default: scipy.special.y1,
    aten.special_airy_ai.default: lambda x: scipy.special.airy(x)[0],
    aten.igamma.default: scipy.special.gammainc,
    aten.igammac.default: scipy.special.gammaincc,
}
# Where each is compared.
RANGES: dict[Any, tuple[float, float]] = {
    aten.lgamma.default: (-9, 30),
    aten.digamma.default: (-9, 30),
    aten.erfinv.default: (-1, 1),
    aten.special_ndtri.default: (0, 1),
    aten.special_erfcx.default: (-9, 50),
    aten.special_log_ndtr.default: (-50, 9),
    aten.erfc.default: (-6, 20),
    aten.i0.default: (-50, 50),
    aten.special_i0e.default: (-50, 50),
    aten.special_i1.default: (-50, 50),
    aten.special_i1e.default: (-50, 50),
    aten.special_bessel_j0.default: (-40, 40),
    aten.special_bessel_j1.default: (-40, 40),
    aten.special_bessel_y0.default: (0, 40),
    aten.special_bessel_y1.default: (0, 40),
    aten.special_modified_bessel_i0.default: (-50, 50),
    aten.special_modified_bessel_i1.default: (-50, 50),
    aten.special_modified_bessel_k0.default: (0, 30),
    aten.special_modified_bessel_k1.default: (0, 30),
    aten.special_scaled_modified_bessel_k0.default: (0, 30),
    aten.special_scaled_modified_bessel_k1.default: (0, 30),
    aten.special_spherical_bessel_j0.default: (-30, 30),
    aten.special_airy_ai.default: (-20, 20),
}
POLYNOMIALS = [
    f"{shifted}chebyshev_polynomial_{letter}" for shifted in ("", "shifted_") for letter in "tuvw"
] + [
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
]


def _between(low: float, high: float, *shape: int) -> Any:
    return torch.rand(shape, dtype=torch.float64) * (high - low) + low


def _same(operation: Any, *given: Any, rtol: float = 1e-12, atol: float = 1e-13) -> None:
    wanted = operation(*given)
    if operation in PRECISE and wanted.dtype == torch.float64:
        wanted = torch.as_tensor(PRECISE[operation](*(x.numpy() for x in given)))
    torch.testing.assert_close(
        TABLE[operation](*given), wanted, rtol=rtol, atol=atol, equal_nan=True
    )


@pytest.mark.parametrize("operation", RANGES, ids=str)
def test_functions_of_one_number(operation: Any) -> None:
    _same(operation, _between(*RANGES[operation], 500), rtol=1e-11, atol=1e-12)
    _same(operation, torch.tensor([0.0, math.nan], dtype=torch.float64))
    whole = torch.arange(0, 2)
    torch.testing.assert_close(TABLE[operation](whole), operation(whole))


@pytest.mark.parametrize("n", range(5))
def test_polygamma(n: int) -> None:
    x = _between(-9, 20, 500)
    ours, theirs = TABLE[aten.polygamma.default](n, x), torch.polygamma(n, x)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_zeta() -> None:
    _same(aten.special_zeta.default, _between(1.1, 30, 500), _between(0.1, 50, 500))
    whole = torch.arange(-1, 9, dtype=torch.float64).unsqueeze(-1)
    q = torch.cat([_between(-9, 9, 50), torch.arange(-3, 3)])
    _same(aten.special_zeta.default, whole, q, rtol=1e-9)


@pytest.mark.parametrize("operation", [aten.igamma.default, aten.igammac.default], ids=str)
def test_incomplete_gamma(operation: Any) -> None:
    _same(operation, _between(-1, 20, 500), _between(-1, 30, 500), rtol=1e-10, atol=1e-12)
    a = 10 ** _between(1, 6, 500)
    x = a + 3 * a.sqrt() * torch.randn_like(a).clamp(-1, 1)
    _same(operation, a, x, rtol=1e-9, atol=1e-11)
    edges = torch.tensor([0, 1e-3, 1, 1e6, math.inf], dtype=torch.float64)
    _same(operation, edges.unsqueeze(-1), edges)


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials(name: str) -> None:
    operation = getattr(aten, f"special_{name}")
    x = torch.cat([_between(-1, 2, 500), torch.tensor([-1, 0, 1], dtype=torch.float64)])
    n = torch.randint(-1, 12, x.shape)
    _same(operation.default, x, n, atol=1e-10)
    _same(operation.default, n, n.flip(0) / 2, rtol=1e-5)
    for degree in (-1, 0, 3, 7):
        if operation.n_scalar in TABLE:
            _same(operation.n_scalar, x, degree, atol=1e-11)


def test_degrees_beyond_the_recurrences_give_nothing() -> None:
    operation = TABLE[aten.special_laguerre_polynomial_l.default]
    assert operation(torch.ones(1), torch.tensor([65])).isnan().all()
    assert TABLE[aten.special_laguerre_polynomial_l.n_scalar](torch.ones(1), 65) is NotImplemented


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parts_of_numbers(dtype: torch.dtype) -> None:
    limits = torch.finfo(dtype)
    edges = [0.0, -0.0, 1, 2, 0.5, math.inf, -math.inf, limits.max, limits.tiny, limits.tiny / 8]
    x = torch.cat([torch.tensor(edges, dtype=dtype), torch.randn(20, dtype=dtype)])
    for operation in (aten.frexp.Tensor, aten.signbit.default):
        ours, theirs = TABLE[operation](x), operation(x)
        torch.testing.assert_close(
            ours, theirs if operation != aten.frexp.Tensor else tuple(theirs)
        )
    nan = torch.cat([x, torch.tensor([math.nan], dtype=dtype)])
    for operation in (aten.nextafter.default, aten.copysign.Tensor):
        _same(operation, nan.unsqueeze(-1), x, rtol=0, atol=0)
    _same(aten.hypot.default, nan.unsqueeze(-1), nan, rtol=2 * limits.eps)
    _same(aten.logcumsumexp.default, x.reshape(5, 6), 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int64])
def test_divisors(dtype: torch.dtype) -> None:
    limits = torch.iinfo(dtype)
    a, b = (torch.randint(limits.min // 2, limits.max, (500,), dtype=dtype) for _ in range(2))
    a[:100] %= 20
    b[50:150] %= 20
    torch.testing.assert_close(TABLE[aten.gcd.default](a, b), torch.gcd(a, b))
    torch.testing.assert_close(TABLE[aten.lcm.default](a, b), torch.lcm(a, b))


def test_compiled() -> None:
    class Functions(torch.nn.Module):
        def forward(self, x: Any, n: Any) -> Any:
            return (
                torch.lgamma(x), torch.polygamma(2, x), torch.erfinv(x / 10), special.i1e(x),
                special.bessel_y0(x), special.airy_ai(x), special.erfcx(x), torch.igamma(x, x + 1),
                special.chebyshev_polynomial_u(x, n), special.laguerre_polynomial_l(x, n),
                special.zeta(3.0, x), torch.copysign(x, -3.14), torch.frexp(x)[0],
                torch.logcumsumexp(x, 0),
            )  # fmt: skip

    x, n = _between(0.1, 9, 24).float(), torch.randint(0, 9, (24,))
    ours = fairway.compile(Functions(), (x, n))(x, n)
    exact = Functions()(x.double(), n)
    for found, wanted in zip(ours, exact, strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=1e-6)
