# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How wrong a result is, and how wrong it may be.

The yardstick is the framework's own float32: measured against its float64, Fairway's
error may be ten times as large, in norm and at the worst element.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

__all__ = ["ALLOWANCE", "Errors", "Reference", "errors", "reference"]

ALLOWANCE = 10.0
# A result that float32 holds exactly still has this rounding error elsewhere.
_FLOOR = 2.0**-24


@dataclass(frozen=True)
class Errors:
    """Relative errors.

    Attributes:
        norm: Euclidean norm of the difference over that of the reference.
        largest: Largest difference over the largest value of the reference.
    """

    norm: float
    largest: float

    def within(self, other: Errors) -> bool:
        """Whether neither is more than `ALLOWANCE` times the other's."""
        return self.norm <= ALLOWANCE * max(other.norm, _FLOOR) and self.largest <= ALLOWANCE * max(
            other.largest, _FLOOR
        )

    def __str__(self) -> str:
        return f"norm {self.norm:.2e}, largest {self.largest:.2e}"


@dataclass(frozen=True)
class Reference:
    """What a network computes on some inputs.

    Attributes:
        inputs: The inputs.
        exact: PyTorch's result in float64.
        single: The errors of PyTorch's result in float32.
    """

    inputs: tuple[torch.Tensor, ...]
    exact: np.ndarray
    single: Errors


def errors(found: np.ndarray, exact: np.ndarray) -> Errors:
    """Compares a result with the exact one; infinite if it is not finite or misshapen."""
    if found.shape != exact.shape or not np.isfinite(found).all():
        return Errors(float("inf"), float("inf"))
    difference = found.astype(np.float64) - exact
    return Errors(
        float(np.linalg.norm(difference) / np.linalg.norm(exact)),
        float(np.abs(difference).max() / np.abs(exact).max()),
    )


def reference(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Reference:
    """Runs a module in float64 and float32."""
    with torch.inference_mode():
        single = module(*inputs).numpy()
        wide = copy.deepcopy(module).double()
        exact = wide(*(x.double() if x.is_floating_point() else x for x in inputs)).numpy()
    return Reference(inputs, exact, errors(single, exact))
