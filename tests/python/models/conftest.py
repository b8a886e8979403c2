# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks and their references, each made once a session."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance"))

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from models.accuracy import Reference, reference
from models.architectures import ARCHITECTURES

BATCHES = (1, 4)


class Subject:
    """One network with its references for every batch size."""

    def __init__(self, name: str, seed: int) -> None:
        print(f"{name}: seed {seed}")  # pytest shows it when a test fails
        torch.manual_seed(seed)
        self.name = name
        self.module = ARCHITECTURES[name].build()
        self.references: dict[int, Reference] = {
            batch: reference(self.module, ARCHITECTURES[name].inputs(batch)) for batch in BATCHES
        }


@pytest.fixture(scope="session")
def seed() -> int:
    """Drawn anew each session; FAIRWAY_TEST_SEED repeats a failure."""
    given = os.environ.get("FAIRWAY_TEST_SEED")
    return int(given) if given else secrets.randbelow(2**31)


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def subject(request: pytest.FixtureRequest, seed: int) -> Iterator[Subject]:
    yield Subject(request.param, seed)
