# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Looks into the text of a program of open sizes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fairway.ingest.polynomials import find
from fairway.program import Program


def operations(module: Any, ir: Any) -> list[tuple[str, str]]:
    """The names of a module's operations and the types of their results, in order."""
    found: list[tuple[str, str]] = []

    def visit(operation: Any) -> Any:
        found.append((operation.name, "; ".join(str(result.type) for result in operation.results)))
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    return found


def check_in_step(program: Program) -> None:
    """Makes sure that the samples have the same operations, and formulas give their sizes."""
    ir: Any = pytest.importorskip("fairway.mlir.ir")
    with ir.Context():
        parsed = ir.Module.parse(program.module)
        samples = [operations(module, ir) for module in parsed.body.operations]
    numbers = tuple(zip(*(size.samples for size in program.sizes), strict=True))
    assert len(samples) == len(numbers)
    assert len(samples[0]) > 3
    for same in zip(*samples, strict=True):
        assert len({name for name, _ in same}) == 1
        assert len({re.sub(r"\d+", "N", types) for _, types in same}) == 1
        found = [map(int, re.findall(r"\d+", types)) for _, types in same]
        for values in zip(*found, strict=True):
            assert find(values, numbers) is not None, (same, values)
