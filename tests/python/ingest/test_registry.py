# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which importer reads which model, and how packages add one."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from fairway.errors import InvalidArgument, InvalidModel, MissingDependency
from fairway.ingest import importers, load, registry
from fairway.program import InputOutputTree, Program
from fairway.tree import Tree

EMPTY = Program(
    "", (), (), (), {}, InputOutputTree(Tree("tuple"), Tree("dict"), Tree("tuple")), "toy"
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs an entry point that reads paths ending in .toy."""
    importer = SimpleNamespace(
        accepts=lambda model: str(model).endswith(".toy"), load=lambda *args: EMPTY
    )
    entry = SimpleNamespace(name="toy", load=lambda: importer)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [entry] if group else [])


def test_built_in_importers_are_there() -> None:
    assert importers()[:3] == ("torch", "onnx", "mlir")


@pytest.mark.usefixtures("toy")
def test_packages_add_importers() -> None:
    assert "toy" in importers()
    assert load("model.toy") is EMPTY
    assert load("anything", importer="toy") is EMPTY


def test_an_importer_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("no module named toys")

    entry = SimpleNamespace(name="toy", load=fail)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [entry] if group else [])
    with pytest.raises(MissingDependency, match="'toy' cannot be loaded"):
        load("model.toy")


def test_unknown_importer() -> None:
    with pytest.raises(InvalidArgument, match="no importer 'keras'") as caught:
        load("m.onnx", importer="keras")
    assert "onnx" in (caught.value.hint or "")


@pytest.mark.parametrize("model", [3, None, object, "model.pt", {"a": 1}])
def test_models_of_no_known_kind(model: object) -> None:
    with pytest.raises(InvalidModel, match="cannot tell what kind of model") as caught:
        load(model)
    assert "torch.nn.Module" in (caught.value.hint or "")


def test_finding_an_importer_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from fairway.ingest.registry import find\n"
        "from fairway.errors import InvalidModel\n"
        "for model in ('m.onnx', 'm.mlir'): find(model)\n"
        "try: find(3)\n"
        "except InvalidModel: pass\n"
        "assert not {'torch', 'onnx', 'torch_mlir', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_registry_group_is_the_documented_one() -> None:
    assert registry.GROUP == "fairway.ingest"
