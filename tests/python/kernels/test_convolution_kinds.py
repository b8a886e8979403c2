# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Grouped, dilated, transposed, 1-D and 3-D convolutions against PyTorch in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("fairway.compiler", exc_type=ImportError)
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import fairway  # noqa: E402

Tensor = torch.Tensor
Shape = tuple[int, ...]


class ResNeXt(nn.Module):
    """Groups between 1x1 convolutions, with batch norms and a residual."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(32, channels, 1, bias=False)
        self.b = nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)
        self.c = nn.Conv2d(channels, 32, 1, bias=False)
        self.na, self.nb = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.nb(self.b(functional.relu(self.na(self.a(x))))))
        return functional.relu(x + self.c(y))


class ShuffleNet(nn.Module):
    """Three groups whose channels are shuffled between the convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(24, 60, 1, groups=3)
        self.b = nn.Conv2d(60, 60, 3, padding=1, stride=2, groups=60)
        self.c = nn.Conv2d(60, 24, 1, groups=3)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.a(x))
        n, c, h, w = y.shape
        y = y.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w)
        return torch.cat([functional.avg_pool2d(x, 3, 2, 1), self.c(self.b(y))], 1)


class Generator(nn.Module):
    """Transposed convolutions in a row, with batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.ConvTranspose2d(16, 32, 4, 1, 0, bias=False)
        self.b = nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False)
        self.c = nn.ConvTranspose2d(16, 3, 4, 2, 1)
        self.na, self.nb = nn.BatchNorm2d(32), nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.na(self.a(x)))
        return torch.tanh(self.c(functional.relu(self.nb(self.b(x)))))


class Decoder(nn.Module):
    """Parts of a transposed convolution in a padded concatenation and in a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1)
        self.skip = nn.Conv2d(4, 8, 3, padding=1)
        self.out = nn.Conv2d(16, 8, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        up, skip = functional.relu(self.up(x)), self.skip(y)
        return self.out(torch.cat([up, skip], 1)) + up * functional.silu(self.up(x) + skip)


def _conv(*args: Any, **options: Any) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Conv2d(*args, **options), nn.ReLU())


def _up(*args: Any, **options: Any) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.ConvTranspose2d(*args, **options), nn.ReLU())


KINDS: dict[str, tuple[Callable[[], nn.Module], tuple[Shape, ...]]] = {
    "grouped_4": (_conv(32, 32, 3, padding=1, groups=8), ((1, 32, 11, 13),)),
    "grouped_8_stride": (_conv(32, 64, 3, padding=1, stride=2, groups=4), ((2, 32, 12, 9),)),
    "grouped_16": (_conv(64, 64, 3, padding=1, groups=4), ((1, 64, 7, 7),)),
    "grouped_24": (_conv(72, 72, 3, padding=1, groups=3), ((1, 72, 9, 10),)),
    "grouped_odd": (_conv(21, 15, 3, groups=3), ((2, 21, 8, 9),)),
    "grouped_to_one": (_conv(24, 4, 3, padding=1, groups=4), ((1, 24, 6, 8),)),
    "grouped_1x1": (_conv(60, 240, 1, groups=3), ((1, 60, 9, 7),)),
    "resnext": (lambda: ResNeXt(64, 16), ((1, 32, 10, 9),)),
    "resnext_wide": (lambda: ResNeXt(96, 4), ((2, 32, 7, 7),)),
    "shufflenet": (ShuffleNet, ((2, 24, 10, 8),)),
    "dilated_2": (_conv(24, 32, 3, padding=2, dilation=2), ((1, 24, 13, 11),)),
    "dilated_beyond": (_conv(16, 24, 3, padding=12, dilation=12), ((2, 16, 10, 14),)),
    "dilated_uneven": (_conv(8, 16, 3, padding=(4, 1), dilation=(4, 2)), ((1, 8, 12, 9),)),
    "dilated_depthwise": (_conv(40, 40, 3, padding=4, dilation=4, groups=40), ((1, 40, 9, 12),)),
    "dilated_grouped": (_conv(24, 24, 3, padding=2, dilation=2, groups=3), ((1, 24, 9, 8),)),
    "transposed_4x4": (_up(16, 24, 4, stride=2, padding=1), ((2, 16, 7, 6),)),
    "transposed_2x2": (_up(32, 16, 2, stride=2), ((1, 32, 9, 5),)),
    "transposed_3x3": (_up(16, 32, 3, stride=2, padding=1, output_padding=1), ((1, 16, 8, 7),)),
    "transposed_1x1": (_up(8, 16, 1, stride=2), ((1, 8, 6, 5),)),
    "transposed_5x3": (_up(8, 16, (5, 3), stride=(3, 1), padding=(2, 1)), ((1, 8, 6, 7),)),
    "transposed_stride_4": (_up(16, 8, 8, stride=4, padding=2), ((1, 16, 5, 6),)),
    "transposed_stride_5": (_up(8, 8, 5, stride=5), ((1, 8, 3, 4),)),
    "transposed_dilated": (_up(8, 16, 3, stride=2, padding=2, dilation=2), ((1, 8, 7, 6),)),
    "transposed_dilated_3": (_up(8, 16, 3, stride=2, padding=3, dilation=3), ((1, 8, 7, 6),)),
    "transposed_grouped": (_up(32, 16, 4, stride=2, padding=1, groups=4), ((2, 32, 6, 5),)),
    "transposed_depthwise": (_up(24, 24, 4, stride=2, padding=1, groups=24), ((2, 24, 6, 5),)),
    "transposed_depthwise_uneven": (
        _up(8, 8, (4, 3), stride=(3, 2), padding=(1, 0), output_padding=(0, 1), groups=8),
        ((1, 8, 5, 7),),
    ),
    "transposed_one_row": (_up(16, 8, 4, stride=2, padding=1), ((1, 16, 1, 9),)),
    "transposed_wide_pad": (_up(16, 8, 3, stride=2, padding=2), ((1, 16, 6, 6),)),
    "generator": (Generator, ((2, 16, 1, 1),)),
    "decoder": (Decoder, ((1, 16, 5, 6), (1, 4, 10, 12))),
    "audio": (lambda: nn.Conv1d(12, 32, 25, 4, 11), ((1, 12, 200),)),
    "audio_raw": (lambda: nn.Conv1d(1, 32, 10, 5), ((2, 1, 203),)),
    "audio_dilated": (lambda: nn.Conv1d(16, 16, 3, padding=8, dilation=8), ((1, 16, 61),)),
    "audio_grouped": (lambda: nn.Conv1d(32, 32, 15, padding=7, groups=4), ((1, 32, 50),)),
    "audio_depthwise": (lambda: nn.Conv1d(24, 24, 15, padding=7, groups=24), ((1, 24, 70),)),
    "audio_transposed": (lambda: nn.ConvTranspose1d(16, 8, 16, 8, 4), ((1, 16, 21),)),
    "video": (lambda: nn.Conv3d(8, 16, 3, padding=1), ((1, 8, 5, 7, 6),)),
    "video_stem": (lambda: nn.Conv3d(3, 16, (3, 7, 7), (1, 2, 2), (1, 3, 3)), ((1, 3, 4, 18, 16),)),
    "video_depthwise": (lambda: nn.Conv3d(12, 12, 3, 1, 1, groups=12), ((2, 12, 5, 7, 6),)),
    "video_grouped": (lambda: nn.Conv3d(8, 16, 3, 2, (1, 0, 1), 1, 2), ((1, 8, 7, 9, 8),)),
    "video_transposed": (lambda: nn.ConvTranspose3d(8, 4, 2, 2), ((1, 8, 3, 5, 4),)),
}


@pytest.mark.parametrize("name", KINDS)
def test_convolution_matches_pytorch(name: str) -> None:
    make, shapes = KINDS[name]
    torch.manual_seed(7)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    compiled = fairway.compile(model, tuple(torch.randn(shape) for shape in shapes), cache=False)
    inputs = [torch.randn(shape) for shape in shapes]  # other values than those of the compilation
    with torch.no_grad():
        expected = model.double()(*(x.double() for x in inputs))
    for threads in (1, 2):
        compiled.threads = threads
        for _ in range(2):  # a second run finds what the first left in its memory
            torch.testing.assert_close(compiled(*inputs).double(), expected, rtol=1e-5, atol=1e-5)
