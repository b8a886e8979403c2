# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the shared modules importable, and knows this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)


@pytest.fixture(scope="module")
def host() -> compiler.CompileOptions:
    """Options for this machine."""
    machine = compiler.resolve_machine("host")
    return compiler.CompileOptions(
        machine.triple,
        machine.cpu,
        machine.features,
        machine.description,
        version="1.2.3",
        metadata='{"a": 1}',
    )
