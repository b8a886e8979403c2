# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The seven networks that Fairway is held to, each beside the peers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from fairway.bench import Settings, compare
from fairway.cli.progress import Stages

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "conformance"))

from models.architectures import ARCHITECTURES  # noqa: E402

__all__ = ["ARCHITECTURES", "build", "measure"]


def build(name: str, batch: int) -> tuple[Any, tuple[Any, ...]]:
    """A network and its inputs, the same ones every time."""
    torch.manual_seed(0)
    network = ARCHITECTURES[name]
    return network.build(), network.inputs(batch)


def measure(
    name: str,
    batch: int,
    threads: int,
    settings: Settings,
    against: Sequence[str],
    profile: bool,
) -> dict[str, Any]:
    """One network with one batch size on one number of threads."""
    module, inputs = build(name, batch)
    with Stages() as stages:
        found = compare(
            module,
            inputs,
            against=against,
            threads=threads,
            settings=settings,
            profile=profile,
            progress=stages,
        )
    print(found.table(), flush=True)
    return found.to_json()
