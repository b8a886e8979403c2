# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions other than dense ones on images: groups, dilation, transposed, 1-D and 3-D."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["CONVOLUTIONS"]

Case = tuple[nn.Module, tuple[torch.Tensor, ...]]


def _case(module: nn.Module, *shape: int) -> Case:
    return nn.Sequential(module, nn.ReLU()).eval(), (torch.randn(1, *shape),)


def _grouped(
    size: int, inner: int, groups: int, kernel: int = 3, stride: int = 1, outer: int | None = None
) -> Case:
    module = nn.Conv2d(inner, outer or inner, kernel, stride, kernel // 2, groups=groups)
    return _case(module, inner, size, size)


def _dilated(size: int, inner: int, outer: int, dilation: int, groups: int = 1) -> Case:
    module = nn.Conv2d(inner, outer, 3, padding=dilation, dilation=dilation, groups=groups)
    return _case(module, inner, size, size)


def _transposed(size: int, inner: int, outer: int, kernel: int, **options: Any) -> Case:
    module = nn.ConvTranspose2d(inner, outer, kernel, stride=2, **options)
    return _case(module, inner, size, size)


def _audio(length: int, inner: int, outer: int, kernel: int, **options: Any) -> Case:
    return _case(nn.Conv1d(inner, outer, kernel, **options), inner, length)


def _video(frames: int, size: int, inner: int, outer: int, kernel: Any, **options: Any) -> Case:
    return _case(nn.Conv3d(inner, outer, kernel, **options), inner, frames, size, size)


CONVOLUTIONS: dict[str, Callable[[], Case]] = {
    # ResNeXt-50 32x4d, RegNet (24 in a group), ShuffleNet (three groups of 20 and 80).
    "grouped 3x3 56² 32x4": lambda: _grouped(56, 128, 32),
    "grouped 3x3/2 56² 32x8": lambda: _grouped(56, 256, 32, stride=2),
    "grouped 3x3 28² 32x8": lambda: _grouped(28, 256, 32),
    "grouped 3x3 14² 32x16": lambda: _grouped(14, 512, 32),
    "grouped 3x3 7² 32x32": lambda: _grouped(7, 1024, 32),
    "grouped 3x3 28² 6x24": lambda: _grouped(28, 144, 6),
    "grouped 1x1 28² 3x(20→80)": lambda: _grouped(28, 60, 3, 1, outer=240),
    "grouped 1x1 28² 3x(80→20)": lambda: _grouped(28, 240, 3, 1, outer=60),
    # DeepLab.
    "dilated(2) 3x3 28² 256→256": lambda: _dilated(28, 256, 256, 2),
    "dilated(4) 3x3 28² 512→512": lambda: _dilated(28, 512, 512, 4),
    "dilated(12) 3x3 28² 2048→256": lambda: _dilated(28, 2048, 256, 12),
    "dilated(2) depthwise 3x3 28² 960": lambda: _dilated(28, 960, 960, 2, groups=960),
    # DCGAN, U-Net, decoders.
    "transposed 4x4/2 16² 256→128": lambda: _transposed(16, 256, 128, 4, padding=1),
    "transposed 4x4/2 32² 64→3": lambda: _transposed(32, 64, 3, 4, padding=1),
    "transposed 2x2/2 28² 512→256": lambda: _transposed(28, 512, 256, 2),
    "transposed 3x3/2 28² 128→64": lambda: _transposed(28, 128, 64, 3, padding=1, output_padding=1),
    "transposed 4x4/2 28² 4x(32→16)": lambda: _transposed(28, 128, 64, 4, padding=1, groups=4),
    "transposed 4x4/2 depthwise 28² 64": lambda: _transposed(28, 64, 64, 4, padding=1, groups=64),
    # Whisper, wav2vec 2.0, WaveGAN, TCN.
    "1d 3 3000 80→384": lambda: _audio(3000, 80, 384, 3, padding=1),
    "1d 3/2 3000 384→384": lambda: _audio(3000, 384, 384, 3, stride=2, padding=1),
    "1d 10/5 16000 1→512": lambda: _audio(16000, 1, 512, 10, stride=5),
    "1d 25/4 4096 64→128": lambda: _audio(4096, 64, 128, 25, stride=4, padding=11),
    "1d 3 dilated(8) 1000 128→128": lambda: _audio(1000, 128, 128, 3, padding=8, dilation=8),
    "1d 15 depthwise 1000 256": lambda: _audio(1000, 256, 256, 15, padding=7, groups=256),
    # R3D-18, X3D.
    "3d 3x3x3 8x28² 64→64": lambda: _video(8, 28, 64, 64, 3, padding=1),
    "3d 3x7x7/2 8x112² 3→64": lambda: _video(
        8, 112, 3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3)
    ),
    "3d 3x3x3/2 8x28² 64→128": lambda: _video(8, 28, 64, 128, 3, stride=2, padding=1),
    "3d 3x3x3 depthwise 8x28² 108": lambda: _video(8, 28, 108, 108, 3, padding=1, groups=108),
}
