# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Linear algebra of PyTorch by factorizations that are written out step by step."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator
from typing import Any

from fairway.ingest.torch_factorizations import (
    MOST_STEPS,
    cholesky,
    diagonal,
    eliminate,
    householder,
    orthogonal_columns,
    reflect,
    row_order,
    substitute,
)

__all__ = ["linalg_table"]

# Rotations take several rounds of all pairs of columns.
_MOST_COLUMNS = 16


def linalg_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""
    aten = torch.ops.aten
    rules = _Rules(torch)
    found: dict[Any, Callable[..., Any]] = {
        aten.cholesky.default: rules.cholesky,
        aten.cholesky_inverse.default: rules.cholesky_inverse,
        aten.cholesky_solve.default: rules.cholesky_solve,
        aten.linalg_cholesky_ex.default: rules.cholesky_ex,
        aten.geqrf.default: rules.geqrf,
        aten.linalg_householder_product.default: rules.householder_product,
        aten.linalg_qr.default: rules.qr,
        aten.ormqr.default: rules.ormqr,
        aten._linalg_solve_ex.default: rules.solve_ex,
        aten.linalg_inv_ex.default: rules.inv_ex,
        aten.linalg_lu.default: rules.lu,
        aten.linalg_lu_factor_ex.default: rules.lu_factor_ex,
        aten.linalg_lu_solve.default: rules.lu_solve,
        aten.lu_unpack.default: rules.lu_unpack,
        aten.linalg_solve_triangular.default: rules.solve_triangular,
        aten.triangular_solve.default: rules.triangular_solve,
        aten._linalg_eigh.default: rules.eigh,
        aten._linalg_svd.default: rules.svd,
        aten.linalg_pinv.atol_rtol_tensor: rules.pinv,
        # Composite ones, which would check for errors: an effect, of which graphs have none.
        aten.linalg_cholesky.default: rules.plain_cholesky,
        aten.linalg_inv.default: rules.inv,
        aten.inverse.default: rules.inv,
        aten.linalg_solve.default: rules.solve,
        aten.linalg_lu_factor.default: rules.lu_factor,
    }
    table: dict[Any, Callable[..., Any]] = {
        operation: _unless_too_large(torch, rule) for operation, rule in found.items()
    }
    table[aten._linalg_check_errors.default] = rules.check_errors
    return table


def _unless_too_large(torch: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
    """What takes more steps than can be written out, or is complex, stays as it is."""

    def decomposition(*arguments: Any, **named: Any) -> Any:
        for value in arguments:
            if not isinstance(value, torch.Tensor) or value.ndim < 2:
                continue
            if value.dtype.is_complex or min(value.shape[-2:]) > MOST_STEPS:
                return NotImplemented
        return rule(*arguments, **named)

    return decomposition


class _Rules:
    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._is_left = False  # whether what is called is to stay as it is

    @contextlib.contextmanager
    def _leave(self) -> Generator[None]:
        """Within it, operations that these rules decompose in part are left whole."""
        self._is_left = True
        try:
            yield
        finally:
            self._is_left = False

    def check_errors(self, info: Any, api_name: str, *, is_matrix: bool) -> None:
        """Nothing: what depends on values cannot raise."""

    # Cholesky factors

    def cholesky_ex(
        self, a: Any, *, upper: bool = False, check_errors: bool = False
    ) -> tuple[Any, Any]:
        factor, info = cholesky(self._torch, a.mT if upper else a)
        return (factor.mT if upper else factor).clone(), info

    def cholesky(self, a: Any, upper: bool = False) -> Any:
        return self.cholesky_ex(a, upper=upper)[0]

    def plain_cholesky(self, a: Any, *, upper: bool = False) -> Any:
        return self.cholesky(a, upper)

    def cholesky_solve(self, b: Any, factor: Any, upper: bool = False) -> Any:
        lower = factor.mT if upper else factor
        lower, b = self._same_batches(lower, b)
        y = substitute(self._torch, lower, b, False, False)
        return substitute(self._torch, lower.mT, y, True, False)

    def cholesky_inverse(self, factor: Any, upper: bool = False) -> Any:
        lower = factor.mT if upper else factor
        one = self._identity(factor, factor.shape[-1]).expand(factor.shape)
        inverse = substitute(self._torch, lower, one, False, False)
        return inverse.mT @ inverse

    # Reflections

    def geqrf(self, a: Any) -> tuple[Any, Any]:
        if a.numel() == 0:
            return a.clone(), a.new_zeros([*a.shape[:-2], min(a.shape[-2:])])
        return householder(self._torch, a)

    def ormqr(self, a: Any, scales: Any, c: Any, left: bool = True, transpose: bool = False) -> Any:
        if c.numel() == 0:
            return c.clone()
        if not left:
            return reflect(self._torch, a, scales, c.mT, not transpose).mT
        return reflect(self._torch, a, scales, c, transpose)

    def householder_product(self, a: Any, scales: Any) -> Any:
        one = self._identity(a, a.shape[-2])[:, : a.shape[-1]].expand(a.shape)
        return self.ormqr(a, scales, one)

    def qr(self, a: Any, mode: str = "reduced") -> tuple[Any, Any]:
        rows, columns = a.shape[-2:]
        factors, scales = self.geqrf(a)
        kept = rows if mode == "complete" else min(rows, columns)
        r = self._triangle(factors[..., :kept, :], upper=True)
        if mode == "r":
            return a.new_empty(0), r
        one = self._identity(a, rows)[:, :kept].expand(*a.shape[:-2], rows, kept)
        return self.ormqr(factors, scales, one), r

    # Elimination

    def lu_factor_ex(
        self, a: Any, *, pivot: bool = True, check_errors: bool = False
    ) -> tuple[Any, Any, Any]:
        torch = self._torch
        if not pivot:
            return NotImplemented
        factors, pivots = eliminate(torch, a)
        steps = pivots.shape[-1]
        if a.numel() == 0:
            return factors, pivots, a.new_zeros(a.shape[:-2], dtype=torch.int32)
        number = torch.arange(1, steps + 1, device=a.device)
        first = torch.where(diagonal(torch, factors) == 0, number, steps + 1).amin(-1)
        info = torch.where(first > steps, 0, first).to(torch.int32)
        return factors, pivots, info

    def lu_factor(self, a: Any, *, pivot: bool = True) -> Any:
        return self.lu_factor_ex(a)[:2] if pivot else NotImplemented

    def lu_unpack(
        self, factors: Any, pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True
    ) -> tuple[Any, Any, Any]:
        torch = self._torch
        rows, columns = factors.shape[-2:]
        steps = min(rows, columns)
        p = lower = upper = factors.new_empty(0)
        if unpack_data:
            upper = self._triangle(factors[..., :steps, :], upper=True)
            lower = self._triangle(factors[..., :steps], upper=False)
            one = torch.eye(rows, steps, dtype=torch.bool, device=factors.device)
            lower = torch.where(one, torch.ones_like(lower), lower)
        if unpack_pivots:
            order = row_order(torch, pivots, rows).unsqueeze(-2)
            number = torch.arange(rows, device=factors.device)
            p = (order == number.unsqueeze(-1)).to(factors.dtype)
        return p, lower, upper

    def lu(self, a: Any, *, pivot: bool = True) -> tuple[Any, Any, Any]:
        if not pivot:
            return NotImplemented
        return self.lu_unpack(*eliminate(self._torch, a))

    def lu_solve(
        self, factors: Any, pivots: Any, b: Any, *, left: bool = True, adjoint: bool = False
    ) -> Any:
        if not left:
            return self.lu_solve(factors, pivots, b.mT, adjoint=not adjoint).mT
        torch = self._torch
        factors, b = self._same_batches(factors, b)
        if b.numel() == 0:
            return b.clone()
        count = b.shape[-2]
        order = row_order(torch, pivots, count, inverse=adjoint).unsqueeze(-1).expand(b.shape)
        if not adjoint:
            y = substitute(torch, factors, b.gather(-2, order), False, True)
            return substitute(torch, factors, y, True, False)
        y = substitute(torch, factors.mT, b, False, False)
        return substitute(torch, factors.mT, y, True, True).gather(-2, order)

    def solve_ex(
        self, a: Any, b: Any, *, left: bool = True, check_errors: bool = False
    ) -> tuple[Any, Any, Any, Any]:
        factors, pivots, info = self.lu_factor_ex(a)
        vectors = b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])
        right = b.unsqueeze(-1) if vectors else b
        x = self.lu_solve(factors, pivots, right, left=left)
        return x.squeeze(-1) if vectors else x, factors, pivots, info

    def inv_ex(self, a: Any, *, check_errors: bool = False) -> tuple[Any, Any]:
        one = self._identity(a, a.shape[-1]).expand(a.shape)
        x, _, _, info = self.solve_ex(a, one)
        return x, info

    def solve(self, a: Any, b: Any, *, left: bool = True) -> Any:
        return self.solve_ex(a, b, left=left)[0]

    def inv(self, a: Any) -> Any:
        return self.inv_ex(a)[0]

    # Triangles

    def solve_triangular(
        self, a: Any, b: Any, *, upper: bool, left: bool = True, unitriangular: bool = False
    ) -> Any:
        if not left:
            a, b = a.mT, b.mT
        a, b = self._same_batches(a, b)
        if b.numel() == 0:
            return (b if left else b.mT).clone()
        x = substitute(self._torch, a, b, upper == left, unitriangular)
        return x if left else x.mT

    def triangular_solve(
        self,
        b: Any,
        a: Any,
        upper: bool = True,
        transpose: bool = False,
        unitriangular: bool = False,
    ) -> tuple[Any, Any]:
        turned = a.mT if transpose else a
        x = self.solve_triangular(turned, b, upper=upper != transpose, unitriangular=unitriangular)
        return x, a.expand(*x.shape[:-2], *a.shape[-2:]).clone()

    # Rotations: in float64, of which few sweeps make a float32.

    def svd(
        self, a: Any, full_matrices: bool = False, compute_uv: bool = True, *, driver: Any = None
    ) -> Any:
        """The values; vectors, whose signs are what LAPACK makes them, stay what they are."""
        steps = min(a.shape[-2:])
        if self._is_left or steps > _MOST_COLUMNS:
            return NotImplemented
        u = vh = a.new_empty(0)
        if compute_uv:
            with self._leave():
                svd = self._torch.ops.aten._linalg_svd.default
                u, _, vh = svd(a, full_matrices, compute_uv, driver=driver)
        if a.numel() == 0:
            return u, a.new_empty([*a.shape[:-2], steps]), vh
        tall = a if a.shape[-2] >= a.shape[-1] else a.mT
        return u, self._singular(tall.double(), a.dtype).to(a.dtype), vh

    def eigh(self, a: Any, uplo: str = "L", compute_v: bool = True) -> Any:
        """The values, as singular ones of matrices shifted to be positive; see `svd`."""
        if self._is_left or a.shape[-1] > _MOST_COLUMNS:
            return NotImplemented
        vectors = a.new_empty(0)
        if compute_v:
            with self._leave():
                vectors = self._torch.ops.aten._linalg_eigh.default(a, uplo, compute_v)[1]
        if a.numel() == 0:
            return a.new_empty(a.shape[:-1]), vectors
        whole = self._symmetric(a, uplo).double()
        shift = whole.abs().sum(-1, keepdim=True).amax(-2, keepdim=True)
        positive = whole + shift * self._identity(whole, a.shape[-1])
        values = self._singular(positive, a.dtype) - shift.squeeze(-1)
        return values.flip(-1).to(a.dtype), vectors

    def pinv(self, a: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
        torch = self._torch
        if min(a.shape[-2:]) > _MOST_COLUMNS:
            return NotImplemented
        if a.numel() == 0:
            return a.new_empty([*a.shape[:-2], a.shape[-1], a.shape[-2]])
        if hermitian:
            a = self._symmetric(a, "L")
        if rtol is None:
            least = max(a.shape[-2:]) * torch.finfo(a.dtype).eps
            rtol = torch.full((), least, dtype=torch.float64, device=a.device)
            if atol is not None:
                rtol = torch.where(atol > 0, torch.zeros_like(rtol), rtol)
        wide = a.shape[-2] < a.shape[-1]
        tall = (a.mT if wide else a).double()
        one = self._identity(tall, tall.shape[-1])
        columns, vectors = orthogonal_columns(
            torch, tall, one.expand(*tall.shape[:-2], *one.shape), _sweeps(tall, a.dtype)
        )
        squares = (columns * columns).sum(-2)
        values = squares.sqrt()
        limit = rtol.unsqueeze(-1) * values.amax(-1, keepdim=True)
        if atol is not None:
            limit = torch.maximum(limit, atol.unsqueeze(-1).double())
        kept = values > limit
        weights = torch.where(kept, 1 / torch.where(kept, squares, 1), 0).unsqueeze(-2)
        inverse = ((vectors * weights) @ columns.mT).to(a.dtype)
        return inverse.mT if wide else inverse

    def _singular(self, tall: Any, dtype: Any) -> Any:
        """The singular values of matrices [..., m, n] in descending order, [..., n]."""
        torch = self._torch
        columns, _ = orthogonal_columns(torch, tall, None, _sweeps(tall, dtype))
        values = (columns * columns).sum(-2).sqrt()
        return values.sort(-1, descending=True).values[..., : tall.shape[-1]]

    # Parts

    def _symmetric(self, a: Any, uplo: str) -> Any:
        """The matrices of which one triangle counts."""
        number = self._torch.arange(a.shape[-1], device=a.device)
        below = number.unsqueeze(-1) >= number
        return (
            self._torch.where(below, a, a.mT)
            if uplo == "L"
            else (self._torch.where(below, a.mT, a))
        )

    def _identity(self, a: Any, count: int) -> Any:
        return self._torch.eye(count, dtype=a.dtype, device=a.device)

    def _triangle(self, a: Any, *, upper: bool) -> Any:
        return self._torch.triu(a) if upper else self._torch.tril(a)

    def _same_batches(self, a: Any, b: Any) -> tuple[Any, Any]:
        shape = self._torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return a.expand(*shape, *a.shape[-2:]), b.expand(*shape, *b.shape[-2:])


def _sweeps(a: Any, dtype: Any) -> int:
    """How many sweeps make random matrices orthogonal to a dtype's precision, and one more.

    They are few, as each of the last ones squares what is left.
    """
    return math.ceil(math.log2(max(a.shape[-1], 2))) + (2 if dtype.itemsize <= 4 else 4)
