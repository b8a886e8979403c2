# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Importing Fairway: light, lazy, and beside any other library in any order."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

HEAVY = ("torch", "torch_mlir", "onnx", "onnxruntime", "transformers", "numpy", "rich", "click")


def run(script: str) -> str:
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_loads_no_framework_and_no_compiler() -> None:
    script = "import sys, fairway; print(*sys.modules)"
    loaded = set(run(script).split())
    assert not loaded.intersection(HEAVY)
    assert not [name for name in loaded if name.startswith("fairway.")]


def test_every_public_name_can_be_imported() -> None:
    script = "import fairway\nfor name in fairway.__all__: assert getattr(fairway, name), name"
    run(script)


def test_unknown_name_is_an_attribute_error() -> None:
    run(
        "import fairway\n"
        "try: fairway.compil\n"
        "except AttributeError as error: assert 'compil' in str(error)\n"
        "else: raise SystemExit('no error')"
    )


def test_errors_can_be_caught_by_their_public_name() -> None:
    import fairway
    from fairway.errors import InvalidModel

    assert fairway.InvalidModel is InvalidModel
    assert issubclass(fairway.InvalidModel, fairway.Error)


# A torch-mlir that the user's own program imports, as if it were installed.
TORCH_MLIR = """
import importlib.util, pathlib, sys
package = pathlib.Path(importlib.util.find_spec("fairway").origin).parent
sys.path.append(str(package / "_vendor"))
"""

WORK = """
import torch, fairway
x = torch.randn(2, 4)
model = torch.nn.Linear(4, 3).eval()
assert torch.allclose(fairway.compile(model, (x,))(x), model(x), atol=1e-5)
"""


@pytest.mark.parametrize("order", list(itertools.permutations(["torch", "torch_mlir", "fairway"])))
def test_any_import_order_works(order: tuple[str, ...]) -> None:
    pytest.importorskip("torch")
    native = {"fairway": "fairway.driver, fairway._runtime, fairway.mlir.ir"}
    run(TORCH_MLIR + "".join(f"import {native.get(name, name)}\n" for name in order) + WORK)
