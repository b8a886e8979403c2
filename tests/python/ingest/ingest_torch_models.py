# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small PyTorch models that the tests share; line numbers in them are looked up."""

from __future__ import annotations

import torch
from torch import nn


class Small(nn.Module):
    """One of each: convolution, normalisation, pooling, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8 * 4 * 4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.pool(self.bn(self.conv(x)).relu()).flatten(1))


class Structured(nn.Module):
    """Takes and returns nested structures with None and Python scalars."""

    def forward(self, x, scale=2.0, *, mask=None):
        y = x * scale
        if mask is not None:
            y = y.masked_fill(mask, 0)
        return {"y": y, "none": None, "count": 3, "pair": (x, [y, x > 0])}


class Inner(nn.Module):
    """Uses an operation that cannot be lowered."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.svd(x)[0]


class Outer(nn.Module):
    """Holds the unsupported operation one level down."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) + 1


class Branch(nn.Module):
    """Decides by data."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            return x
        return -x


class Function(nn.Module):
    """Wraps a function of tensors."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: torch.Tensor):
        return self.function(*args)


def line_of(cls: type, text: str) -> str:
    """Gives file:line of the line of a class that holds a text."""
    import inspect

    lines, start = inspect.getsourcelines(cls)
    offset = next(index for index, line in enumerate(lines) if text in line)
    return f"{inspect.getsourcefile(cls)}:{start + offset}"
