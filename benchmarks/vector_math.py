# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nanoseconds per element of the math functions: Fairway, PyTorch and NumPy on one thread.

Run it at real-time priority on a shared machine (`chrt -f 40 python ...`). Everything is
compiled before the first measurement. The arrays fit the third-level cache; `relu` shows what
calling and memory cost.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

import fairway

SIZE, ROUNDS, CALLS = 1 << 18, 15, 4
LOW_HIGH = {
    "log": (0.01, 100),
    "log2": (0.01, 100),
    "log10": (0.01, 100),
    "log1p": (0, 100),
    "x^2.4": (0, 5),
}

MODELS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    **{
        name: getattr(torch, name)
        for name in (
            *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
            *("tanh", "erf", "sigmoid", "sin", "cos"),
        )
    },
    "x^2.4": lambda x: torch.pow(x, 2.4),
    "silu": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
    "gelu tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "relu": torch.relu,
}


class Model(torch.nn.Module):
    """One function as a module."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Applies the function."""
        return self.function(x)


def nanoseconds(call: Callable[[], object]) -> float:
    """The median time of a call for each element."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        times.append((time.perf_counter() - start) / CALLS)
    return statistics.median(times) / SIZE * 1e9


def main() -> None:
    """Measures every function, alternating between the three, and prints a table."""
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(MODELS)
    prepared = []
    for name in names:
        low, high = LOW_HIGH.get(name, (-5, 5))
        x = torch.empty(SIZE).uniform_(low, high)
        compiled = fairway.compile(Model(MODELS[name]), (x,), threads=1)
        prepared.append((name, x, compiled))
    print("| function | Fairway | PyTorch | NumPy |\n|---|---|---|---|", flush=True)
    with torch.inference_mode():
        for name, x, compiled in prepared:
            function, array = MODELS[name], x.numpy()
            ours = nanoseconds(lambda c=compiled, x=x: c(x))
            theirs = nanoseconds(lambda f=function, x=x: f(x))
            ufunc = getattr(np, name, None)
            numpy = f"{nanoseconds(lambda u=ufunc, a=array: u(a)):.2f}" if ufunc else ""
            print(f"| {name} | {ours:.2f} | {theirs:.2f} | {numpy} |", flush=True)


if __name__ == "__main__":
    main()
