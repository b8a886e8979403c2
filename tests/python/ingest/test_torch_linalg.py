# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Factorizations are LAPACK's, and what follows from them is what NumPy computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import fairway
from fairway.ingest.torch_linalg import linalg_table

aten = torch.ops.aten
TABLE = linalg_table(torch)
SQUARE = [(0, 0), (1, 1), (2, 2), (2, 3, 5, 5), (16, 16)]
RECTANGULAR = [*SQUARE, (2, 0), (3, 5), (5, 3), (2, 7, 2)]


def agree(operation: Any, *arguments: Any, **named: Any) -> Any:
    """Gives what a decomposition makes of arguments, which is what PyTorch does."""
    ours, theirs = (of(*arguments, **named) for of in (TABLE[operation], operation))
    theirs = tuple(theirs) if isinstance(theirs, tuple | list) else theirs
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    return ours


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64)


def conditioned(*shape: int) -> torch.Tensor:
    """Draws matrices that are far from singular, whose rows have to be exchanged."""
    x = drawn(*shape) + 4 * shape[-1] ** 0.5 * torch.eye(shape[-1], dtype=torch.float64)
    return x.flip(-1)


def positive(*shape: int) -> torch.Tensor:
    x = drawn(*shape)
    return x @ x.mT + torch.eye(shape[-1], dtype=torch.float64)


@pytest.mark.parametrize("shape", SQUARE)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(shape: tuple[int, ...], upper: bool) -> None:
    a = positive(*shape)
    factor, info = agree(aten.linalg_cholesky_ex.default, a, upper=upper)
    assert not info.any()
    torch.testing.assert_close(factor.mT @ factor if upper else factor @ factor.mT, a)
    agree(aten.cholesky.default, a, upper)
    agree(aten.cholesky_inverse.default, factor, upper)
    agree(aten.cholesky_solve.default, drawn(*shape[:-1], 2), factor, upper)


def test_cholesky_tells_which_minor_is_not_positive() -> None:
    a = positive(2, 5, 5)
    a[1, 3, 3] = -1
    assert TABLE[aten.linalg_cholesky_ex.default](a)[1].tolist() == [0, 4]


@pytest.mark.parametrize("shape", RECTANGULAR)
def test_reflections(shape: tuple[int, ...]) -> None:
    a = drawn(*shape)
    factors, scales = agree(aten.geqrf.default, a)
    for mode in ("reduced", "complete", "r"):
        q, r = agree(aten.linalg_qr.default, a, mode)
        if mode != "r":
            np.testing.assert_allclose(q.numpy() @ r.numpy(), a.numpy(), atol=1e-12)
    if shape[-2] >= shape[-1]:
        agree(aten.linalg_householder_product.default, factors, scales)
    for left in (False, True):
        c = drawn(*shape[:-2], *((shape[-2], 3) if left else (3, shape[-2])))
        for transpose in (False, True):
            agree(aten.ormqr.default, factors, scales, c, left, transpose)


@pytest.mark.parametrize("shape", RECTANGULAR)
def test_elimination(shape: tuple[int, ...]) -> None:
    a = drawn(*shape)
    factors, pivots, _ = agree(aten.linalg_lu_factor_ex.default, a)
    agree(aten.lu_unpack.default, factors, pivots)
    p, lower, upper = agree(aten.linalg_lu.default, a)
    np.testing.assert_allclose((p @ lower @ upper).numpy(), a.numpy(), atol=1e-12)


def test_elimination_tells_which_pivot_is_zero() -> None:
    a = conditioned(2, 5, 5)
    a[1, :, 2] = 0
    assert TABLE[aten.linalg_lu_factor_ex.default](a)[2].tolist() == [0, 3]


@pytest.mark.parametrize("shape", SQUARE)
def test_systems(shape: tuple[int, ...]) -> None:
    a, b = conditioned(*shape), drawn(*shape[:-1], 2)
    factors, pivots = torch.linalg.lu_factor(a)
    for adjoint in (False, True):
        agree(aten.linalg_lu_solve.default, factors, pivots, b, adjoint=adjoint)
        agree(aten.linalg_lu_solve.default, factors, pivots, b.mT, left=False, adjoint=adjoint)
    agree(aten._linalg_solve_ex.default, a, b)
    agree(aten._linalg_solve_ex.default, a, b[..., 0])
    agree(aten._linalg_solve_ex.default, a.mT, b.mT, left=False)
    inverse, _ = agree(aten.linalg_inv_ex.default, a)
    np.testing.assert_allclose(inverse.numpy(), np.linalg.inv(a.numpy()), atol=1e-9)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangles(upper: bool, unit: bool) -> None:
    a, b = drawn(2, 1, 5, 5) + 4 * torch.eye(5), drawn(3, 5, 2)
    named = {"upper": upper, "unitriangular": unit}
    agree(aten.linalg_solve_triangular.default, a, b, **named)
    agree(aten.linalg_solve_triangular.default, a, b.mT, left=False, **named)
    for transpose in (False, True):
        agree(aten.triangular_solve.default, b, a, upper, transpose, unit)


@pytest.mark.parametrize("shape", RECTANGULAR)
def test_singular_values(shape: tuple[int, ...]) -> None:
    a = drawn(*shape)
    values = TABLE[aten._linalg_svd.default](a, False, False)[1]
    np.testing.assert_allclose(values.numpy(), np.linalg.svd(a.numpy(), compute_uv=False))
    if a.numel():
        inverse = TABLE[aten.linalg_pinv.atol_rtol_tensor](a)
        np.testing.assert_allclose(inverse.numpy(), np.linalg.pinv(a.numpy()), atol=1e-9)


@pytest.mark.parametrize("shape", SQUARE)
@pytest.mark.parametrize("triangle", ["L", "U"])
def test_eigenvalues(shape: tuple[int, ...], triangle: str) -> None:
    a = drawn(*shape)
    values = TABLE[aten._linalg_eigh.default](a, triangle, False)[0]
    wanted = np.linalg.eigvalsh(a.numpy(), triangle)  # type: ignore[arg-type]
    np.testing.assert_allclose(values.numpy(), wanted, atol=1e-12)


def test_compiled() -> None:
    class Algebra(torch.nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            q, r = torch.linalg.qr(a)
            factor = torch.linalg.cholesky(a @ a.mT)
            return torch.linalg.solve(a, b), torch.linalg.svdvals(a), q @ r, factor

    a, b = conditioned(2, 3, 3), drawn(2, 3, 2)
    ours = fairway.compile(Algebra(), (a.float(), b.float()))(a.float(), b.float())
    for found, wanted in zip(ours, Algebra()(a, b), strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)
