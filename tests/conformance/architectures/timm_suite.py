# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The architectures of `timm`: the smallest model of each of its files, and some more."""

from __future__ import annotations

import inspect
from pathlib import Path

import timm
import torch
from weights import draw_weights

FAMILIES = tuple(Path(__file__).with_name("timm.txt").read_text("utf-8").split())

_DEPTH = 2  # of transformers whose smallest is large
_MOST_PARAMETERS = 60_000_000


class First(torch.nn.Module):
    """A model whose result is its first tensor."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        result = self.model(image)
        while not isinstance(result, torch.Tensor):
            result = next(iter(result.values() if isinstance(result, dict) else result))
        return result


def build(family: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A model of random weights and an image for it."""
    torch.manual_seed(0)
    with torch.device("meta"):
        outline = timm.create_model(family)
    large = sum(value.numel() for value in outline.parameters()) > _MOST_PARAMETERS
    shorter = large and "depth" in inspect.signature(type(outline).__init__).parameters
    model = timm.create_model(family, **({"depth": _DEPTH} if shorter else {})).eval()
    draw_weights(model)
    return First(model), (torch.randn(1, *model.default_cfg["input_size"]),)
