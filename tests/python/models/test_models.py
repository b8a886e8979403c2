# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The seven networks give the right answers, from PyTorch and from ONNX.

Weights and inputs are fresh in every session; the seed is printed when a test fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import fairway

if TYPE_CHECKING:
    from conftest import Subject

torch = pytest.importorskip("torch")
from models.accuracy import errors  # noqa: E402


@pytest.mark.parametrize("batch", [1, 4])
def test_matches_float64_from_torch(subject: Subject, batch: int) -> None:
    reference = subject.references[batch]
    executable = fairway.compile(subject.module, reference.inputs, cache=False)
    check(executable(*reference.inputs).numpy(), subject, batch)


@pytest.mark.parametrize("batch", [1, 4])
def test_matches_float64_from_onnx(subject: Subject, batch: int, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    reference = subject.references[batch]
    path = tmp_path / "model.onnx"
    torch.onnx.export(subject.module, reference.inputs, path, dynamo=True, verbose=False)
    executable = fairway.compile(path, cache=False)
    arrays = [tensor.numpy() for tensor in reference.inputs]
    check(executable(*arrays), subject, batch)


def check(found: Any, subject: Subject, batch: int) -> None:
    reference = subject.references[batch]
    error = errors(found, reference.exact)
    print(f"{subject.name} batch {batch}: fairway {error}; torch float32 {reference.single}")
    assert error.within(reference.single), (
        f"{subject.name}, batch {batch}: {error}, but PyTorch's float32 has {reference.single}"
    )
