# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random weights with which an architecture computes something at every layer."""

from __future__ import annotations

import torch

__all__ = ["draw_weights", "scale"]


def scale(module: torch.nn.Module) -> None:
    """Draws the weights of a product so that what passes through keeps its size.

    Small configurations multiply by few weights of the size that large ones are trained
    from: what is left after some layers is denormal, and PyTorch's own rounding is 17 percent.
    """
    if isinstance(module, (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d)):
        torch.nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)


def draw_weights(model: torch.nn.Module) -> None:
    """Draws all weights: those that begin as zero or almost would hide what they multiply."""
    model.apply(scale)
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if value.ndim > 1 or not value.is_floating_point():
            continue
        if name.endswith(("weight", "gamma", "running_var", "scale")):
            torch.nn.init.uniform_(value, 0.75, 1.25)
        elif name.endswith(("bias", "beta", "running_mean")):
            torch.nn.init.normal_(value, std=0.05)
