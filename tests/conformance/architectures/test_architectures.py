# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Architectures that others wrote: each is compiled and compared with PyTorch.

One that PyTorch itself cannot run in this configuration is excluded. Of the others, one
passes, or it is refused with an error of Fairway's and stands in refused.csv; all else fails.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from reports import Outcome, note, read_refused

import fairway
from fairway.tensors import as_array
from fairway.verification.accuracy import relative_error, tolerance

torch = pytest.importorskip("torch")

_SUITES = ("timm", "transformers")
_LISTED = read_refused(Path(__file__).with_name("refused.csv"))


def _cases() -> list[Any]:
    return [
        pytest.param(name, family, id=f"{name}-{family}")
        for name in _SUITES
        for family in importlib.import_module(f"{name}_suite").FAMILIES
    ]


def _in_double(model: Any, inputs: tuple[Any, ...]) -> Any:
    wide = (value.double() if value.is_floating_point() else value for value in inputs)
    with torch.no_grad():
        return as_array(model.double()(*wide))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("suite", "family"), _cases())
def test_architecture(suite: str, family: str, record_property: Any) -> None:
    case = f"{suite}-{family}"
    try:
        model, inputs = importlib.import_module(f"{suite}_suite").build(family)
        with torch.no_grad():
            wanted = as_array(model(*inputs))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        note(record_property, "architectures", case, Outcome("excluded", "", reason))
        pytest.skip(f"PyTorch itself fails: {reason}")
    note(record_property, "architectures", case, Outcome("error"))  # until it is known to be better
    try:
        executable = fairway.compile(model, inputs, cache=False)
    except fairway.Error as error:
        cause = "lowering" if isinstance(error, fairway.CompilationError) else "ingest"
        outcome = Outcome("refused", cause, error.message.splitlines()[0][:200])
        note(record_property, "architectures", case, outcome)
        if case in _LISTED:
            pytest.xfail(f"{_LISTED[case].cause}: {error.message}")
        raise
    found = as_array(executable(*inputs))
    note(record_property, "architectures", case, Outcome("wrong"))
    allowed = tolerance([wanted.dtype.name])
    error = relative_error([found], [wanted])
    if error > allowed:
        # PyTorch rounds as well: what it gives in float64 decides. A model may lose digits; then
        # Fairway may lose as many as PyTorch, unless that is more than half of them.
        precise = _in_double(model, inputs)
        error, own = (relative_error([array], [precise]) for array in (found, wanted))
        allowed = max(allowed, 16 * own) if own <= allowed else allowed
    assert error <= allowed, f"off by {error:.3g} of the largest value"
    note(record_property, "architectures", case, Outcome("passed"))
    assert case not in _LISTED, f"{case} passes now: take it out of refused.csv"
