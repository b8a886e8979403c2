# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The options of the conformance suites, and what is told at a run's end."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE), *(str(path) for path in sorted(_HERE.iterdir()) if path.is_dir())]
import reports  # noqa: E402

# torchvision, which timm imports, and transformers where it is there, was built for another
# PyTorch than the pinned one: its operations, which neither uses, have no shapes to register.
sys.modules.setdefault(
    "torchvision._meta_registrations", ModuleType("torchvision._meta_registrations")
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = reports.add_options(parser, "onnx", "ONNX's backend node tests")
    group.addoption(
        "--onnx-backend",
        default="fairway.onnx_backend",
        metavar="MODULE",
        help="the backend to test, such as onnxruntime.backend, which no case excuses",
    )
    group = reports.add_options(parser, "operators", "PyTorch's database of operators")
    group.addoption(
        "--operators-backend",
        default="fairway",
        metavar="NAME",
        help="the back end of torch.compile to test, such as inductor, which no case excuses",
    )
    reports.add_options(parser, "architectures", "architectures that others wrote")
    parser.getgroup("random models").addoption(
        "--random-models", type=int, default=100, metavar="N", help="how many (default: 100)"
    )


def pytest_configure(config: pytest.Config) -> None:
    with contextlib.suppress(ImportError):
        import hypothesis

        hypothesis.settings.register_profile(
            "random-models",
            max_examples=config.getoption("random_models"),
            deadline=None,
            database=None,  # what failed is kept as a model
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("random-models")


@pytest.fixture
def latest_failure(tmp_path: Path) -> Iterator[Path]:
    """A file for the model that failed last, which is the smallest: it becomes a regression."""
    from builder import REGRESSIONS

    file = tmp_path / "model.onnx"
    yield file
    if file.exists():
        REGRESSIONS.mkdir(exist_ok=True)
        content = file.read_bytes()
        (REGRESSIONS / f"{hashlib.sha256(content).hexdigest()[:12]}.onnx").write_bytes(content)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if found := reports.outcomes(terminalreporter, "onnx"):
        import node_suite

        reports.summarize(
            terminalreporter,
            "onnx",
            f"ONNX's node tests: {config.getoption('onnx_backend')}",
            found,
            kind=lambda name: node_suite.kind(node_suite.cases()[name]),
            row=lambda name: node_suite.operation(node_suite.cases()[name]),
        )
    if found := reports.outcomes(terminalreporter, "operators"):
        import op_suite

        reports.summarize(
            terminalreporter,
            "operators",
            f"PyTorch's operators: {config.getoption('operators_backend')}",
            found,
            kind=lambda name: op_suite.cases()[name].kind,
            row=lambda name: op_suite.cases()[name].operation,
        )
    if found := reports.outcomes(terminalreporter, "architectures"):
        reports.summarize(
            terminalreporter,
            "architectures",
            "architectures",
            found,
            kind=lambda case: case.partition("-")[0],
            row=lambda case: case,
        )
