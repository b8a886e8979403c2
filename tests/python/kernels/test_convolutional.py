# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Blocks of convolutional networks against PyTorch in double precision.

Each block is a way in which padded, concatenated or shared images meet: what a
producer writes into a halo or into a slice must be what its readers read.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("fairway.compiler", exc_type=ImportError)
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import fairway  # noqa: E402

Tensor = torch.Tensor


class Basic(nn.Module):
    """A residual block whose input is padded and added."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(32, 32, 3, padding=1, bias=False) for _ in range(2))
        self.na, self.nb = (nn.BatchNorm2d(32) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(x)
        return functional.relu(x + self.nb(self.b(functional.relu(self.na(self.a(x))))))


class Inception(nn.Module):
    """One value in four windows, three paddings and two constants; a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.one = nn.Conv2d(16, 8, 1)
        self.three = nn.Conv2d(16, 16, 3, padding=1)
        self.five = nn.Conv2d(16, 20, 5, padding=2)
        self.pool = nn.Conv2d(16, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.stem(x))
        pooled = self.pool(functional.max_pool2d(x, 3, 1, 1))
        return torch.cat([self.one(x), self.three(x), self.five(x), pooled], 1)


class Dense(nn.Module):
    """Layers that read everything before them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(16 * (i + 1), 16, 3, padding=1) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat([x, functional.relu(layer(x))], 1)
        return x


class UNet(nn.Module):
    """Down, up by a transposed convolution, and a padded concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 16, 3, padding=1)
        self.deep = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.out = nn.Conv2d(48, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.down(x))
        deep = functional.relu(self.deep(x))
        near = functional.interpolate(deep, scale_factor=2.0, mode="nearest")[:, :16]
        return self.out(torch.cat([x, self.up(deep), near], 1))


class SqueezeExcite(nn.Module):
    """An inverted residual block with hard-swish and a gate per channel."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Conv2d(16, 48, 1)
        self.depthwise = nn.Conv2d(48, 48, 5, stride=1, padding=2, groups=48)
        self.squeeze, self.excite = nn.Conv2d(48, 12, 1), nn.Conv2d(12, 48, 1)
        self.project = nn.Conv2d(48, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.hardswish(self.depthwise(functional.hardswish(self.expand(x))))
        gate = functional.silu(self.squeeze(functional.adaptive_avg_pool2d(y, 1)))
        return x + self.project(y * torch.sigmoid(self.excite(gate)))


class Grouped(nn.Module):
    """Grouped, dilated and asymmetric windows in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.grouped = nn.Conv2d(16, 32, 3, padding=1, groups=4)
        self.dilated = nn.Conv2d(32, 16, 3, padding=2, dilation=2)
        self.wide = nn.Conv2d(16, 24, (1, 7), padding=(0, 3))
        self.tall = nn.Conv2d(24, 10, (7, 1), padding=(3, 0), stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.tall(functional.relu(self.wide(self.dilated(self.grouped(x)))))


class Last(nn.Module):
    """The end of a network: images of a few pixels, and channels in odd numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(40, 24, 1)
        self.window = nn.Conv2d(24, 48, 3, padding=1)
        self.expand = nn.Conv2d(48, 40, 1)
        self.down = nn.Conv2d(40, 72, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.window(functional.relu(self.reduce(x))))
        return self.down(functional.relu(x + self.expand(y)))


BLOCKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "basic": (Basic, (32, 13, 9)),
    "inception": (Inception, (3, 15, 14)),
    "dense": (Dense, (3, 11, 12)),
    "unet": (UNet, (3, 16, 12)),
    "squeeze_excite": (SqueezeExcite, (16, 14, 14)),
    "last": (Last, (40, 7, 7)),
    "last_narrow": (Last, (40, 11, 3)),
    "last_flat": (Last, (40, 2, 5)),
    "grouped": (Grouped, (16, 14, 11)),
}


# With caches this small a batch passes through the kernels one sample at a time.
SMALL_CACHES: dict[str, float] = {"l2_bytes": 16 * 1024, "l3_bytes": 0}


def build(name: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = BLOCKS[name][0]().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", BLOCKS)
def test_block_matches_pytorch(name: str, batch: int) -> None:
    shape = BLOCKS[name][1]
    model = build(name, batch)
    x = torch.randn(batch, *shape)
    compiled = fairway.compile(model, (x,), cache=False)
    compare(compiled, model, torch.randn(batch, *shape))


@pytest.mark.parametrize("batch", [4, 6])
# The flat block is so small that it stays whole.
@pytest.mark.parametrize("name", [n for n in BLOCKS if n != "last_flat"])
def test_block_in_slices_matches_pytorch(name: str, batch: int) -> None:
    shape = BLOCKS[name][1]
    model = build(name, batch)
    x = torch.randn(batch, *shape)
    compiled = fairway.compile(model, (x,), machine=SMALL_CACHES, threads=1, cache=False)
    whole = fairway.compile(model, (x,), threads=1, cache=False)
    assert len(compiled.plan().steps) > len(whole.plan().steps)
    assert compiled.plan().arena_bytes <= whole.plan().arena_bytes
    compare(compiled, model, torch.randn(batch, *shape))


def compare(compiled: fairway.Executable, model: nn.Module, x: Tensor) -> None:
    """Both on one and on two threads, which share each slice."""
    with torch.no_grad():
        expected = model.double()(x.double())
    for threads in (1, 2):
        compiled.threads = threads
        for _ in range(2):  # a second run finds what the first left in its memory
            torch.testing.assert_close(compiled(x).double(), expected, rtol=1e-5, atol=1e-5)
