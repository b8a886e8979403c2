# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How far a result is from the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["relative_error", "tolerance"]

# Machine epsilons; bfloat16, which NumPy lacks, is the coarsest that occurs.
_EPSILONS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def relative_error(found: Sequence[NDArray[Any]], reference: Sequence[NDArray[Any]]) -> float:
    """The largest difference of any output over the largest value of that output.

    Args:
        found: The outputs to judge.
        reference: The outputs as they should be, of the same shapes.

    Returns:
        The error; infinite where counts or shapes differ or a value is not finite
        that should be.
    """
    import numpy as np

    if len(found) != len(reference):
        return math.inf
    worst = 0.0
    for got, wanted in zip(found, reference, strict=True):
        if got.shape != wanted.shape:
            return math.inf
        if not wanted.size:
            continue
        exact = wanted.astype(np.float64)
        value = got.astype(np.float64)
        same = (value == exact) | (np.isnan(value) & np.isnan(exact))
        with np.errstate(invalid="ignore"):  # infinity less infinity, which counts as same
            difference = np.where(same, 0.0, value - exact)
        if not np.isfinite(difference).all():
            return math.inf
        scale = float(np.abs(exact[np.isfinite(exact)]).max(initial=0.0))
        largest = float(np.abs(difference).max())
        worst = max(worst, largest / scale if scale else largest)
    return worst


def tolerance(dtypes: Sequence[str]) -> float:
    """The error above which a result counts as wrong: half of the digits are lost.

    Args:
        dtypes: The names of the element types that the model computes in and returns.
    """
    return math.sqrt(max((_EPSILONS.get(name, 0.0) for name in dtypes), default=0.0))
