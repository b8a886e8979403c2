# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Single operations of the sizes that the networks have, each beside the peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from convolutions import CONVOLUTIONS
from torch import nn

from fairway.bench import Settings, compare

__all__ = ["KERNELS", "measure"]


class _Call(nn.Module):
    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        return self.function(*args)


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.norm(x + residual)


def _linear(rows: int, inner: int, outer: int) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return nn.Linear(inner, outer), (torch.randn(rows, inner),)


def _conv(
    size: int, inner: int, outer: int, kernel: int, stride: int = 1, groups: int = 1
) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    module = nn.Conv2d(inner, outer, kernel, stride, kernel // 2, groups=groups)
    return nn.Sequential(module, nn.ReLU()), (torch.randn(1, inner, size, size),)


def _attention() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return _Call(nn.functional.scaled_dot_product_attention), tuple(torch.randn(3, 1, 12, 128, 64))


KERNELS: dict[str, Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]]] = {
    "matmul 512x512x512": lambda: _linear(512, 512, 512),
    "matmul 128x768x768": lambda: _linear(128, 768, 768),
    "matmul 128x3072x768": lambda: _linear(128, 3072, 768),
    "matmul 197x768x3072": lambda: _linear(197, 768, 3072),
    "matrix-vector 4096x4096": lambda: _linear(1, 4096, 4096),
    "conv 1x1 56² 64→256": lambda: _conv(56, 64, 256, 1),
    "conv 1x1 7² 2048→512": lambda: _conv(7, 2048, 512, 1),
    "conv 3x3 56² 64→64": lambda: _conv(56, 64, 64, 3),
    "conv 3x3 14² 256→256": lambda: _conv(14, 256, 256, 3),
    "conv 7x7/2 224² 3→64": lambda: _conv(224, 3, 64, 7, 2),
    "depthwise 3x3 112² 32": lambda: _conv(112, 32, 32, 3, groups=32),
    **CONVOLUTIONS,
    "attention 12x128x64": _attention,
    "softmax 1536x128": lambda: (nn.Softmax(-1), (torch.randn(1536, 128),)),
    "residual + layer norm 128x768": lambda: (_Norm(768), tuple(torch.randn(2, 128, 768))),
    "gelu 128x3072": lambda: (nn.GELU(), (torch.randn(128, 3072),)),
}


def measure(name: str, threads: int, settings: Settings, against: Sequence[str]) -> dict[str, Any]:
    """One operation on one number of threads."""
    torch.manual_seed(0)
    module, inputs = KERNELS[name]()
    found = compare(
        module.eval(), inputs, against=against, threads=threads, settings=settings, profile=True
    )
    print(found.table(), flush=True)
    return found.to_json()
