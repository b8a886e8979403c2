# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which recipes a choice of the builder's brings in, and which choices there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def _graph(workplace: Any, *options: str) -> dict[str, Any]:
    arguments = [argument for option in options for argument in ("-o", option)]
    lock = f"--lockfile={ROOT / 'conan.lock'}"  # it holds the revisions of these very recipes
    out = workplace.folder / "graph.json"
    done = workplace.conan(
        *("graph", "info", ROOT, lock, "--format=json", f"--out-file={out}", *arguments)
    )
    assert done.returncode == 0, done.stdout
    nodes = json.loads(out.read_text())["graph"]["nodes"].values()
    return {node["ref"].partition("#")[0]: node for node in nodes if node["name"]}


def test_default_takes_the_wheel_and_builds_nothing(workplace: Any) -> None:
    found = _graph(workplace)
    assert found.keys() == {"llvm/22.1.8", "torch-mlir/20261001"}
    assert found["llvm/22.1.8"]["options"]["libraries"] == "needed"


def test_source_builds_on_our_llvm_and_brings_what_it_needs(workplace: Any) -> None:
    found = _graph(workplace, "&:torch_mlir=source", "&:with_onnx_mlir=True")
    sources = {"torch-mlir/llvm-22", "stablehlo/llvm-22", "onnx-mlir/llvm-22"}
    assert found.keys() == {"llvm/22.1.8", *sources}
    for name in ("torch-mlir/llvm-22", "onnx-mlir/llvm-22"):
        needed = {edge["ref"].partition("#")[0] for edge in found[name]["dependencies"].values()}
        assert "llvm/22.1.8" in needed
    assert found["llvm/22.1.8"]["options"]["libraries"] == "all"


def test_pythons_share_the_stable_wheel_and_no_build_from_source(workplace: Any) -> None:
    def identity(provider: str, python: str) -> str:
        nodes = _graph(workplace, f"&:torch_mlir={provider}", f"torch-mlir/*:python={python}")
        return next(n["package_id"] for ref, n in nodes.items() if ref.startswith("torch-mlir"))

    assert identity("wheel", "3.12") == identity("wheel", "3.13")
    assert identity("source", "3.12") != identity("source", "3.13")


@pytest.mark.parametrize(
    ("reference", "provider", "told"),
    [
        ("torch-mlir/20261001", "source", "use provider=wheel"),
        ("torch-mlir/llvm-22", "wheel", "use provider=source"),
    ],
)
def test_a_provider_that_a_version_lacks(
    workplace: Any, reference: str, provider: str, told: str
) -> None:
    done = workplace.install(reference, "-o", f"&:provider={provider}")
    assert done.returncode != 0
    assert f"there is no {provider} of this version" in done.stdout
    assert told in done.stdout


def test_unknown_providers_are_refused_with_the_known_ones(workplace: Any) -> None:
    done = workplace.install("onnx-mlir/llvm-22", "-o", "&:provider=wheel")
    assert done.returncode != 0
    assert "source" in done.stdout and "wheel" in done.stdout
