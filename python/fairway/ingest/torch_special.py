# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Special functions of PyTorch, by series, asymptotic forms and derived polynomials.

All compute in float64 and round once, to the dtype that PyTorch gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairway.ingest.torch_special_bessel import bessel_table
from fairway.ingest.torch_special_error import error_table
from fairway.ingest.torch_special_gamma import gamma_table
from fairway.ingest.torch_special_numbers import number_table
from fairway.ingest.torch_special_polynomials import polynomial_table

__all__ = ["special_table"]


def special_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Gives the decompositions of these operations."""
    table: dict[Any, Callable[..., Any]] = {}
    for more in (bessel_table, error_table, gamma_table, number_table, polynomial_table):
        table |= more(torch)
    return table
