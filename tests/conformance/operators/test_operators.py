# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every operator of PyTorch's database, all samples in one graph, through `torch.compile`.

A case that PyTorch's own `backend="eager"` cannot run as one graph is excluded: it breaks the
graph, or gives what no graph can. Of the others, one passes, or it is refused with an error of
Fairway's and stands in refused.csv; all else fails.
"""

from __future__ import annotations

from typing import Any

import op_suite as suite
import pytest
from reports import Outcome, note, read_refused

import fairway

_LISTED = read_refused(suite.REFUSED)


def _own_error(error: BaseException | None) -> fairway.Error | None:
    """Fairway's error behind one of PyTorch's."""
    while error is not None:
        if isinstance(error, fairway.Error):
            return error
        error = getattr(error, "inner_exception", None) or error.__cause__
    return None


def _excluded(case: suite.Case) -> str:
    """Why a case is excluded; nothing if it is not."""
    try:
        wanted = suite.expected(case)
        found = suite.run(case, "eager")
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return suite.differences(found, wanted, None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(suite.cases()))
def test_operator(name: str, request: pytest.FixtureRequest, record_property: Any) -> None:
    case = suite.cases()[name]
    if reason := _excluded(case):
        note(record_property, "operators", name, Outcome("excluded", "", reason))
        pytest.skip(f"PyTorch's own back end fails: {reason}")
    note(record_property, "operators", name, Outcome("error"))  # until it is known to be better
    try:
        found = suite.run(case, request.config.getoption("operators_backend"))
    except Exception as error:
        own = _own_error(error)
        if own is None:
            raise
        cause = "lowering" if isinstance(own, fairway.CompilationError) else "ingest"
        outcome = Outcome("refused", cause, own.message.splitlines()[0][:200])
        note(record_property, "operators", name, outcome)
        if name in _LISTED:
            pytest.xfail(f"{_LISTED[name].cause}: {own.message}")
        raise
    note(record_property, "operators", name, Outcome("wrong"))
    difference = suite.differences(found, suite.expected(case), suite.exact(case))
    assert not difference, difference
    note(record_property, "operators", name, Outcome("passed"))
    assert name not in _LISTED, f"{name} passes now: take it out of {suite.REFUSED.name}"
