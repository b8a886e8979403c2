# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each test compiles anew, and no graph may run without Fairway unless a test expects it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from fairway.torch_backend import EagerWarning  # noqa: E402


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error", EagerWarning)
        yield
    torch._dynamo.reset()
