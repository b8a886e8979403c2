# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Factorizations of matrices as ordinary operations of PyTorch, written out step by step.

A step is a few operations on whole matrices, with masks for the part that it is about: what
counts is how many kernels there are, not how many elements they skip. GVL is G. H. Golub and
C. F. Van Loan, Matrix Computations, 4th edition, 2013.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "MOST_STEPS",
    "cholesky",
    "diagonal",
    "eliminate",
    "householder",
    "orthogonal_columns",
    "reflect",
    "row_order",
    "substitute",
]

MOST_STEPS = 64  # of an elimination, each of which makes a few kernels


def diagonal(torch: Any, a: Any) -> Any:
    """The diagonals of matrices [..., m, n], [..., min(m, n)]."""
    steps = min(a.shape[-2:])
    number = torch.arange(steps, device=a.device)
    square = a[..., :steps, :steps]
    return torch.where(number.unsqueeze(-1) == number, square, _zero(torch, a)).sum(-1)


def eliminate(torch: Any, a: Any) -> tuple[Any, Any]:
    """Gaussian elimination with partial pivoting (GVL, algorithm 3.4.1).

    Args:
        torch: The module.
        a: Matrices, [..., m, n].

    Returns:
        The factors L (without its ones) and U in one, [..., m, n]; and with which row each
        was exchanged, from one, [..., min(m, n)] int32.
    """
    rows, steps = a.shape[-2], min(a.shape[-2:])
    number = torch.arange(rows, device=a.device)
    zero = _zero(torch, a)
    pivots: list[Any] = []
    for k in range(steps):
        place = a[..., k:, k].abs().argmax(-1) + k
        pivots.append((place + 1).to(torch.int32))
        if k == rows - 1:
            break
        chosen = (number == place.unsqueeze(-1)).unsqueeze(-1)
        top = torch.where(chosen, a, zero).sum(-2, keepdim=True)
        below = torch.where(chosen, a[..., k : k + 1, :], a)[..., k + 1 :, :]
        pivot = top[..., k : k + 1]
        factor = below[..., k : k + 1] / torch.where(pivot == 0, zero + 1, pivot)
        rest = below[..., k + 1 :] - factor * top[..., k + 1 :]
        below = torch.cat([below[..., :k], factor, rest], -1)
        a = torch.cat([a[..., :k, :], top, below], -2)
    taken = torch.stack(pivots, -1) if pivots else a.new_zeros(a.shape[:-1], dtype=torch.int32)
    return a, taken[..., :steps]


def row_order(torch: Any, pivots: Any, rows: int, inverse: bool = False) -> Any:
    """Which of `rows` rows is where after an elimination's exchanges, [..., rows] int64.

    Args:
        torch: The module.
        pivots: With which row each was exchanged in turn, from one, [..., steps] int32.
        rows: The number of rows.
        inverse: Whether to tell where each row is instead.
    """
    order = torch.arange(rows, device=pivots.device).expand(*pivots.shape[:-1], rows)
    # A row's place is followed through the exchanges, or back through them.
    steps = range(pivots.shape[-1])
    for k in steps if inverse else reversed(steps):
        place = pivots[..., k : k + 1].to(torch.int64) - 1
        order = torch.where(order == k, place, torch.where(order == place, k, order))
    return order


def substitute(torch: Any, a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """Solves triangular systems row by row (GVL, algorithms 3.1.1 and 3.1.2).

    Args:
        torch: The module.
        a: Matrices of which the lower or the upper triangle counts, [..., n, n].
        b: Right-hand sides, [..., n, k]; with as many batches.
        upper: Whether it is the upper triangle.
        unit: Whether the diagonals count as ones.

    Returns:
        x where a @ x == b, [..., n, k].
    """
    count = a.shape[-1]
    x = b[..., :0, :]
    for k in reversed(range(count)) if upper else range(count):
        row = b[..., k : k + 1, :]
        known = a[..., k, k + 1 :] if upper else a[..., k, :k]
        if known.shape[-1]:
            row = row - (known.unsqueeze(-1) * x).sum(-2, keepdim=True)
        if not unit:
            row = row / a[..., k : k + 1, k : k + 1]
        x = torch.cat([row, x] if upper else [x, row], -2) if known.shape[-1] else row
    return x


def cholesky(torch: Any, a: Any) -> tuple[Any, Any]:
    """The factors of positive definite matrices, column by column (GVL, algorithm 4.2.1).

    Args:
        torch: The module.
        a: Symmetric matrices of which the lower triangle counts, [..., n, n].

    Returns:
        L where L @ L.mT == a, [..., n, n]; and the order of the first leading minor that is
        not positive, zero if there is none, [...] int32.
    """
    count = a.shape[-1]
    row = torch.arange(count, device=a.device).unsqueeze(-1)
    zero = _zero(torch, a)
    factor = a[..., :0]
    info = a.new_zeros(a.shape[:-2], dtype=torch.int32)
    for k in range(count):
        column = a[..., k : k + 1]
        if k:
            before = factor[..., k : k + 1, :]
            column = column - (factor * before).sum(-1, keepdim=True)
        square = column[..., k : k + 1, :]
        bad = ~(square > 0).squeeze(-1).squeeze(-1)
        info = torch.where((info == 0) & bad, torch.full_like(info, k + 1), info)
        column = torch.where(row >= k, column / square.sqrt(), zero)
        factor = torch.cat([factor, column], -1) if k else column
    return factor, info


def householder(torch: Any, a: Any) -> tuple[Any, Any]:
    """Triangularizes matrices by reflections, with LAPACK's signs (GVL, algorithm 5.2.1).

    Args:
        torch: The module.
        a: Matrices, [..., m, n].

    Returns:
        R, and below it the reflections' vectors without their leading ones, [..., m, n]; and
        how much of each vector's projection they take away, [..., min(m, n)].
    """
    rows, columns = a.shape[-2:]
    row = torch.arange(rows, device=a.device).unsqueeze(-1)
    number = torch.arange(columns, device=a.device)
    zero = _zero(torch, a)
    scales: list[Any] = []
    for k in range(min(rows, columns)):
        column = a[..., k : k + 1]
        first = a[..., k : k + 1, k : k + 1]
        # In float64, where no square of a float32 overflows or vanishes.
        below = torch.where(row > k, column, zero).double()
        rest = (below * below).sum(-2, keepdim=True)
        norm = (rest + first.double() * first.double()).sqrt().to(a.dtype)
        flat = rest == 0  # then there is nothing to reflect
        new = torch.where(flat, first, torch.where(first < 0, norm, -norm))
        scale = torch.where(flat, zero, (new - first) / torch.where(flat, zero + 1, new))
        divisor = torch.where(flat, zero + 1, first - new)
        vector = torch.where(row > k, column / divisor, (row == k).to(a.dtype))
        reflected = a - scale * vector * (vector * a).sum(-2, keepdim=True)
        stored = torch.where(row > k, vector, torch.where(row == k, new, column))
        a = torch.where(number > k, reflected, torch.where(number == k, stored, a))
        scales.append(scale.squeeze(-1).squeeze(-1))
    return a, torch.stack(scales, -1)


def reflect(torch: Any, a: Any, scales: Any, c: Any, transpose: bool) -> Any:
    """Multiplies by the orthogonal matrices of reflections (GVL, section 5.1.6).

    Args:
        torch: The module.
        a: Below the diagonals the reflections' vectors, [..., m, n].
        scales: What `householder` gives with them, [..., k], k <= n.
        c: Matrices, [..., m, p].
        transpose: Whether to multiply by the transposed ones.

    Returns:
        Q @ c or Q.mT @ c, where Q is the first reflection times the second and so on.
    """
    row = torch.arange(a.shape[-2], device=a.device).unsqueeze(-1)
    steps = range(scales.shape[-1])
    for k in steps if transpose else reversed(steps):
        vector = torch.where(row > k, a[..., k : k + 1], (row == k).to(a.dtype))
        scale = scales[..., k : k + 1].unsqueeze(-1)
        c = c - scale * vector * (vector * c).sum(-2, keepdim=True)
    return c


def orthogonal_columns(torch: Any, a: Any, also: Any, sweeps: int) -> tuple[Any, Any]:
    """Makes columns orthogonal by rotations of pairs (one-sided Jacobi: GVL, section 8.6).

    All columns are paired at once, each with every other one in a sweep, as in tournaments
    (GVL, section 8.5; R. P. Brent and F. T. Luk, SIAM J. Sci. Stat. Comput. 6, 1985).

    Args:
        torch: The module.
        a: Matrices, [..., m, n].
        also: Matrices whose columns are rotated as those of `a`, [..., p, n].
        sweeps: How often to meet each pair.

    Returns:
        Both, rotated. The columns' order is another one, and there is one more, which a
        column of zeros became, if their number is odd.
    """
    rows, columns = a.shape[-2:]
    both = torch.cat([a, also], -2) if also is not None else a
    if columns % 2:
        both = torch.nn.functional.pad(both, (0, 1))
    half = both.shape[-1] // 2
    zero = _zero(torch, a)
    for _ in range(sweeps * (2 * half - 1) if half > 1 else 1):
        p, q = both[..., :half], both[..., half:]
        top, other = p[..., :rows, :], q[..., :rows, :]
        product = (top * other).sum(-2, keepdim=True)
        gap = (other * other - top * top).sum(-2, keepdim=True)
        # The smaller of the two angles that make them orthogonal; its tangent is a root of
        # t * t + gap / product * t - 1. Orthogonal ones have a gap, or are left.
        root = (gap * gap + 4 * product * product).sqrt()
        divisor = torch.where(gap < 0, gap - root, gap + root)
        tangent = torch.where(product == 0, zero, 2 * product / divisor)
        cosine = (1 + tangent * tangent).rsqrt()
        p, q = cosine * (p - tangent * q), cosine * (q + tangent * p)
        # The first column stays, the others move around the two rows of columns.
        parts = [p[..., :1], q[..., :1], p[..., 1:-1], q[..., 1:], p[..., -1:]]
        both = torch.cat(parts if half > 1 else [p, q], -1)
    return both[..., :rows, :], both[..., rows:, :]


def _zero(torch: Any, a: Any) -> Any:
    return torch.zeros((), dtype=a.dtype, device=a.device)
