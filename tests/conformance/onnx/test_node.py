# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every one of ONNX's backend node tests.

A case passes, or it is refused with an error of Fairway's and stands in refused.csv. A wrong
answer, a crash and a case that is refused without being listed (or listed without being
refused) fail.
"""

from __future__ import annotations

import importlib
from typing import Any

import node_suite as suite
import pytest
from reports import Outcome, note, read_refused

import fairway

_LISTED = read_refused(suite.REFUSED)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.config.getoption("onnx_backend"))


def _cause(case: Any, error: Exception) -> str:
    if suite.kind(case) != "numeric":
        return "by design"
    if isinstance(error, fairway.CompilationError):
        return "lowering"
    return "ingest" if "ONNX" in str(error) else "lowering"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(suite.cases()))
def test_node(name: str, backend: Any, record_property: Any) -> None:
    case = suite.cases()[name]
    note(record_property, "onnx", name, Outcome("wrong"))  # until it is known to be better
    try:
        suite.run(backend, case)
    except fairway.Error as error:
        outcome = Outcome("refused", _cause(case, error), error.message.splitlines()[0][:200])
        note(record_property, "onnx", name, outcome)
        if name in _LISTED:
            pytest.xfail(f"{_LISTED[name].cause}: {error.message}")
        raise
    except AssertionError:
        raise
    except Exception:
        note(record_property, "onnx", name, Outcome("error"))
        raise
    note(record_property, "onnx", name, Outcome("passed"))
    assert name not in _LISTED, f"{name} passes now: take it out of {suite.REFUSED.name}"
