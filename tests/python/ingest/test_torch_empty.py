# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dimensions of size zero: nothing is computed, sums of nothing are zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import fairway

CASES: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "elementwise": (lambda x: x * 2 + 1, (3, 0)),
    "sum of nothing": (lambda x: x.sum(-1) + 1, (3, 0)),
    "sum of all": (lambda x: x.sum(), (3, 0)),
    "mean": (lambda x: x.mean(-1), (3, 0)),
    "product": (lambda x: x.prod(-1), (3, 0)),
    "any and all": (lambda x: ((x > 0).any(-1), (x > 0).all(-1)), (3, 0)),
    "matrix product over nothing": (lambda x: x @ torch.ones(0, 5), (3, 0)),
    "matrix product of no rows": (lambda x: x @ torch.ones(4, 5), (0, 4)),
    "linear": (lambda x: F.linear(x, torch.ones(4, 3)), (2, 0, 3)),
    "softmax": (lambda x: x.softmax(-1), (0, 5)),
    "layer norm": (lambda x: F.layer_norm(x, (8,)), (0, 8)),
    "convolution of no image": (lambda x: F.conv2d(x, torch.ones(4, 3, 3, 3)), (0, 3, 8, 8)),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), (0, 2, 4, 8)),
    "embedding": (lambda x: F.embedding(x.long(), torch.ones(4, 3)), (2, 0)),
    "concatenation": (lambda x: torch.cat([x, x.new_ones(3, 2)], -1) * 2, (3, 0)),
    "twice the same": (lambda x: (x + 1, x + 1, x), (0, 3)),
    "what is there and what is not": (lambda x: (x * 2, x.sum(0) + torch.ones(5)), (0, 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_zero_sizes(name: str) -> None:
    function, shape = CASES[name]

    class Model(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return function(x)

    x = torch.randn(shape)
    ours = fairway.compile(Model(), (x,))(x)
    torch.testing.assert_close(ours, Model()(x), equal_nan=True)
