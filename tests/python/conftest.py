# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What all Python tests share: a cache and tuning results of their own, models, limits."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps the user's cache and tuning results out of the tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIRWAY_CACHE_DIR", str(folder))
        patch.setenv("FAIRWAY_TUNING_DIR", str(tmp_path_factory.mktemp("tuning")))
        yield folder


@pytest.fixture
def full_disk() -> Callable[[int], contextlib.AbstractContextManager[None]]:
    """Makes the kernel refuse to write files beyond a number of bytes, as on a full disk."""

    @contextlib.contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture(scope="session")
def onnx_mlp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file: y = softmax(x @ w + b) with x float32[batch, 8], y float32[batch, 3]."""
    onnx = pytest.importorskip("onnx")
    np = pytest.importorskip("numpy")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    generator = np.random.default_rng(0)
    weights: list[Any] = [
        numpy_helper.from_array(generator.standard_normal((8, 3)).astype(np.float32), "w"),
        numpy_helper.from_array(generator.standard_normal(3).astype(np.float32), "b"),
    ]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["xw"]),
            helper.make_node("Add", ["xw", "b"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["y"], axis=-1),
        ],
        "mlp",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 3])],
        weights,
    )
    path = tmp_path_factory.mktemp("models") / "mlp.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path
    )
    return path


@pytest.fixture(scope="session")
def mlp_reference(onnx_mlp: Path) -> Callable[[Any], Any]:
    """What `onnx_mlp` computes, by ONNX's own reference."""
    from onnx.reference import ReferenceEvaluator

    session = ReferenceEvaluator(str(onnx_mlp))
    return lambda x: session.run(None, {"x": x})[0]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out whole files that import PyTorch, where there is none; the summary counts them."""
    if importlib.util.find_spec("torch") or collection_path.suffix != ".py":
        return None
    return True if _imports_torch(collection_path) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much was left out for want of PyTorch, which Pythons that cannot have it need."""
    if importlib.util.find_spec("torch"):
        return
    files = [path for path in Path(__file__).parent.rglob("*.py") if _imports_torch(path)]
    functions = sum(_test_functions(path) for path in files)
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "could not import 'torch'" in str(report.longrepr)
    ]
    terminalreporter.write_line(
        f"left out without PyTorch: {functions} test functions in {len(files)} files that import "
        f"it, and {len(skipped)} of the others' tests"
    )


def _imports_torch(path: Path) -> bool:
    """Tells whether a file of tests does nothing without PyTorch."""
    if not path.name.startswith("test_") or path.suffix != ".py":
        return False
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import) and any(name.name == "torch" for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            return True
        if isinstance(node, (ast.Assign, ast.Expr)) and "importorskip('torch'" in ast.unparse(node):
            return True
    return False


def _test_functions(path: Path) -> int:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return sum(isinstance(node, ast.FunctionDef) and node.name[:5] == "test_" for node in nodes)
