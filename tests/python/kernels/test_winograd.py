# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Transformed 3x3 convolutions against PyTorch in double precision.

Each case is one way in which blocks of 2x2 results meet an image: sizes that blocks do not
divide, with and without padding, channels that vectors do not divide, and what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import fairway  # noqa: E402

Tensor = torch.Tensor
Shape = tuple[int, ...]


class Residual(nn.Module):
    """Two convolutions in a row, the sum of which with the input is used twice."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.b = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.na, self.nb = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.na(self.a(functional.relu(x))))
        return functional.relu(functional.relu(x) + self.nb(self.b(y)))


class Bottleneck(nn.Module):
    """A convolution between two of 1x1."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(24, 40, 1)
        self.b = nn.Conv2d(40, 48, 3, padding=1)
        self.c = nn.Conv2d(48, 24, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.b(functional.relu(self.a(x))))
        return functional.relu(x + self.c(y))


class Concatenation(nn.Module):
    """Two convolutions of one padded image, side by side in another padding."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(16, 16, 3, padding=1)
        self.b = nn.Conv2d(16, 24, 3, padding=1)
        self.c = nn.Conv2d(40, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.silu(x)
        return self.c(torch.cat([self.a(x), functional.relu(self.b(x))], 1)) + x


LANES = int(compiler.resolve_machine().description["vector_bits"]) // 32


def _conv(*args: Any, **options: Any) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Conv2d(*args, **options), nn.ReLU())


CASES: dict[str, tuple[Callable[[], nn.Module], Shape]] = {
    "even": (_conv(32, 32, 3, padding=1), (1, 32, 12, 16)),
    "odd": (_conv(32, 48, 3, padding=1), (1, 32, 13, 11)),
    "odd_rows": (_conv(32, 16, 3, padding=1), (1, 32, 15, 12)),
    "without_padding": (_conv(16, 32, 3), (1, 16, 14, 18)),
    "without_padding_odd": (_conv(16, 32, 3), (1, 16, 17, 13)),
    "uneven_padding": (_conv(16, 16, 3, padding=(0, 2)), (1, 16, 12, 11)),
    "channels_19": (_conv(19, 48, 3, padding=1), (1, 19, 12, 12)),
    "channels_3_vectors": (_conv(24, 3 * LANES, 3, padding=1), (1, 24, 9, 14)),
    "without_bias": (_conv(32, 32, 3, padding=1, bias=False), (1, 32, 10, 10)),
    "batch": (_conv(32, 32, 3, padding=1), (3, 32, 10, 12)),
    "batch_odd": (_conv(24, 32, 3, padding=1), (2, 24, 13, 11)),
    "large": (_conv(64, 64, 3, padding=1), (1, 64, 56, 56)),
    "large_batch": (_conv(64, 64, 3, padding=1), (8, 64, 28, 28)),
    "many_channels": (_conv(256, 272, 3, padding=1), (1, 256, 14, 14)),
    "residual": (lambda: Residual(32), (1, 32, 14, 14)),
    "residual_odd": (lambda: Residual(32), (2, 32, 13, 15)),
    "bottleneck": (Bottleneck, (1, 24, 14, 12)),
    "bottleneck_odd": (Bottleneck, (2, 24, 15, 13)),
    "concatenation": (Concatenation, (1, 16, 12, 13)),
}


@pytest.mark.parametrize("name", CASES)
def test_transformed_convolution_matches_pytorch(name: str) -> None:
    make, shape = CASES[name]
    torch.manual_seed(11)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    compiled = fairway.compile(model, (torch.randn(shape),), cache=False)
    assert "winograd" in {step.name.rsplit("_", 1)[0] for step in compiled.plan().steps}
    x = torch.randn(shape)  # other values than those of the compilation
    with torch.no_grad():
        expected = model.double()(x.double())
    for threads in (1, 2):
        compiled.threads = threads
        for _ in range(2):  # a second run finds what the first left in its memory
            torch.testing.assert_close(compiled(x).double(), expected, rtol=1e-5, atol=1e-5)


def test_few_rows_for_many_weights_stay_direct() -> None:
    """Transformed weights are larger, and 7x7 results read them too seldom."""
    model = nn.Conv2d(512, 512, 3, padding=1).eval()
    compiled = fairway.compile(model, (torch.randn(1, 512, 7, 7),), cache=False)
    assert "winograd" not in {step.name.rsplit("_", 1)[0] for step in compiled.plan().steps}
