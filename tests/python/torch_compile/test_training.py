# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that learn through the back end lose as much at each step as eager ones."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
datasets = pytest.importorskip("sklearn.datasets")

from torch import nn  # noqa: E402

STEPS = 25  # enough to learn; more, and rounding grows to what shows


def losses(
    model: nn.Module, run: Callable[..., Any], batches: list[tuple[Any, Any]]
) -> list[float]:
    # Not Adam, which makes full steps of gradients that are zero but for rounding.
    steps = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    found = []
    for x, target in batches:
        steps.zero_grad()
        loss = nn.functional.cross_entropy(run(x).flatten(0, -2), target.flatten())
        loss.backward()
        steps.step()
        found.append(loss.item())
    return found


def learns_alike(model: nn.Module, batches: list[tuple[Any, Any]]) -> None:
    reference = copy.deepcopy(model)
    fast = torch.compile(model, backend="fairway", fullgraph=True)
    ours = losses(model, fast, batches)
    theirs = losses(reference, reference, batches)
    assert min(theirs) < 0.95 * theirs[0]  # else there is nothing to compare
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_convolutions_on_digits() -> None:
    images, labels = datasets.load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    target = torch.tensor(labels)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),  # without, some first weights learn too slowly to compare
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    order = torch.randperm(len(x)).repeat(2)[: STEPS * 32].split(32)
    learns_alike(model, [(x[part], target[part]) for part in order])


class Reverser(nn.Module):
    """One layer of a transformer, which is to say a sequence backwards."""

    def __init__(self, symbols: int, length: int, width: int = 32) -> None:
        super().__init__()
        self.symbols = nn.Embedding(symbols, width)
        self.places = nn.Parameter(torch.randn(length, width) * 0.1)
        self.layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, symbols)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.layer(self.symbols(tokens) + self.places))


def test_a_transformer_on_sequences() -> None:
    tokens = [torch.randint(0, 6, (32, 8)) for _ in range(STEPS)]
    batches = [(part, part.flip(1)) for part in tokens]
    learns_alike(Reverser(6, 8), batches)
