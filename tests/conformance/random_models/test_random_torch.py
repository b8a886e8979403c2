# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random PyTorch models: Fairway computes what PyTorch does, or says what it cannot compile.

A model that fails is made as small as it can be, and stays in regressions/ for later runs.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from builder import REGRESSIONS
from hypothesis import assume, event, given
from hypothesis import strategies as st
from torch_programs import OPERATIONS, Program, Random, Writer

import fairway
from fairway.verification.accuracy import relative_error, tolerance


@st.composite
def programs(draw: Any) -> Program:
    writer = Writer(draw)
    for _ in range(writer.integer(1, 8)):
        writer.choose(OPERATIONS)(writer)
    assume(writer.program.steps)
    return writer.finish()


def in_double(model: Random, inputs: tuple[torch.Tensor, ...]) -> list[Any]:
    """What the model gives in double precision."""
    wide = (x.double() if x.is_floating_point() else x for x in inputs)
    torch.set_default_dtype(torch.float64)
    try:
        return [value.numpy() for value in model.double()(*wide)]
    finally:
        torch.set_default_dtype(torch.float32)
        model.float()


def check(program: Program) -> str:
    """Compiles and compares; says what happened.

    Raises:
        AssertionError: The answer is wrong.
    """
    model, inputs = Random(program).eval(), program.draw_inputs()
    with torch.no_grad():
        wanted = [value.numpy() for value in model(*inputs)]
        precise = in_double(model, inputs)
    try:
        executable = fairway.compile(model, inputs, cache=False, threads=2)
    except fairway.UnsupportedOp as error:
        return f"refused: {error.message[:80]}"
    for got, want, exact in zip(executable(*inputs), wanted, precise, strict=True):
        found = got.numpy()
        assert found.dtype == want.dtype
        error = relative_error([found], [exact])
        # A model may lose digits: then no more than PyTorch does.
        allowed = max(tolerance([want.dtype.name]), 16 * relative_error([want], [exact]))
        assert error <= allowed, f"off by {error:.3g}, more than {allowed:.3g}"
    return "passed"


@given(program=programs())
def test_random_module(program: Program, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        event(check(program))
    except BaseException:
        program.save(tmp_path_factory.getbasetemp() / "latest.json")  # in the end the smallest
        raise


@pytest.fixture(autouse=True, scope="module")
def keep_latest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield
    latest = tmp_path_factory.getbasetemp() / "latest.json"
    if latest.exists():
        name = hashlib.sha256(latest.read_bytes()).hexdigest()[:12]
        latest.rename(REGRESSIONS / f"{name}.json")


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.json")), ids=lambda path: path.stem)
def test_what_failed_before(path: Path) -> None:
    assert check(Program.load(path)) == "passed"
