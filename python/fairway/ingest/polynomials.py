# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the polynomial of the open sizes that has certain values at the samples.

The compiler does the same (`include/fairway/Support/Polynomial.h`), for every number of a
program. Here it is done for shapes, to name them and to tell where they are none.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Polynomial", "find"]

_MAX_DEGREE = 4


@dataclass(frozen=True)
class Polynomial:
    """A sum of products of sizes.

    Attributes:
        terms: For each product a factor that is not 0, and the exponent of each size.
    """

    terms: tuple[tuple[int, tuple[int, ...]], ...]

    def at(self, sizes: Sequence[int]) -> int:
        """The value for certain sizes."""
        return sum(factor * _product(sizes, powers) for factor, powers in self.terms)

    def text(self, names: Sequence[str]) -> str:
        """Writes it with the sizes' names: `2*batch - 1`."""
        written = ""
        for factor, powers in self.terms:
            product = [
                name if power == 1 else f"{name}**{power}"
                for name, power in zip(names, powers, strict=True)
                if power
            ]
            sign = "-" if factor < 0 else "+"
            if abs(factor) != 1 or not product:
                product.insert(0, str(abs(factor)))
            written += f" {sign} {'*'.join(product)}"
        first = "-" if written.startswith(" - ") else ""
        return first + written[3:] or "0"


@functools.cache
def find(values: tuple[int, ...], samples: tuple[tuple[int, ...], ...]) -> Polynomial | None:
    """Finds the simplest polynomial of up to three terms.

    Args:
        values: What it is at each of the three samples.
        samples: For each sample, what the sizes are.

    Returns:
        It; `None` if there is none with whole factors.
    """
    count = len(samples[0])
    if len(set(values)) == 1:
        return Polynomial(((values[0], (0,) * count),) if values[0] else ())
    powers = sorted(_powers(count, _MAX_DEGREE), key=sum)
    columns = {each: [_product(sizes, each) for sizes in samples] for each in powers}
    for terms in range(1, len(values) + 1):
        for chosen in itertools.combinations(powers, terms):
            factors = _solve([columns[each] for each in chosen], values)
            if factors is not None:
                pairs = sorted(zip(factors, chosen, strict=True), key=lambda t: -sum(t[1]))
                return Polynomial(tuple(pairs))
    return None


def _solve(columns: Sequence[Sequence[int]], values: Sequence[int]) -> list[int] | None:
    """Whole factors, none of them 0, with which the columns add up to the values."""
    count = len(columns)
    rows = [
        [Fraction(column[row]) for column in columns] + [Fraction(value)]
        for row, value in enumerate(values)
    ]
    for step in range(count):
        pivot = next((row for row in range(step, len(rows)) if rows[row][step]), None)
        if pivot is None:
            return None
        rows[step], rows[pivot] = rows[pivot], rows[step]
        rows[step] = [entry / rows[step][step] for entry in rows[step]]
        for row, entries in enumerate(rows):
            if row != step and entries[step]:
                factor = entries[step]
                rows[row] = [a - factor * b for a, b in zip(entries, rows[step], strict=True)]
    if any(row[-1] for row in rows[count:]):
        return None
    factors = [row[-1] for row in rows[:count]]
    if any(factor.denominator != 1 or not factor for factor in factors):
        return None
    return [int(factor) for factor in factors]


def _powers(count: int, degree: int) -> Iterator[tuple[int, ...]]:
    """All exponents of so many sizes whose sum is no larger than a degree."""
    if count == 0:
        yield ()
        return
    for power in range(degree + 1):
        for rest in _powers(count - 1, degree - power):
            yield (power, *rest)


def _product(sizes: Sequence[int], powers: Sequence[int]) -> int:
    return math.prod(size**power for size, power in zip(sizes, powers, strict=True))
