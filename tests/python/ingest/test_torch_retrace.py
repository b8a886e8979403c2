# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tracing once gives what PyTorch's own decomposing gives, or is left to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from fairway.ingest.torch_decompositions import decomposition_table
from fairway.ingest.torch_export import decompose, export
from fairway.ingest.torch_retrace import Decomposed, retrace

_WITHOUT_EFFECT = ("aten.clone.default", "aten._assert_tensor_metadata.default")


class _Function(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: torch.Tensor) -> Any:
        return self.function(*args)


class _InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.convolution(x))
        y += 1.0
        y[:, 0].mul_(2.0)  # through a view
        return functional.relu(y, inplace=True).flatten(1)


class _Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1.0
        return x * self.calls


def _exported(module: nn.Module, *args: torch.Tensor) -> Any:
    return export(module.eval(), args, {}, None)


def _operations(program: Any) -> list[str]:
    names = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    return [name for name in names if name not in _WITHOUT_EFFECT]


def _run(program: Any, *inputs: torch.Tensor) -> Any:
    """Computes an exported or decomposed program, as its signature says."""
    given = iter(inputs)
    stores = {**program.state_dict, **program.constants}
    values = [
        next(given) if spec.kind.name == "USER_INPUT" else stores[spec.target]
        for spec in program.graph_signature.input_specs
    ]
    with torch.no_grad():
        return torch.fx.Interpreter(program.graph_module).run(*values)


def _check(program: Any, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Compares a program with its module, on other inputs of the same shapes."""
    fresh = [torch.randn_like(x) for x in inputs]
    ours = _run(program, *(x.clone() for x in fresh))
    with torch.no_grad():
        theirs = module(*fresh)
    torch.testing.assert_close(tree_leaves(ours), tree_leaves(theirs))


def _image() -> torch.Tensor:
    return torch.randn(2, 3, 8, 8)


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (_InPlace(), (_image(),)),
        (nn.LSTM(4, 6), (torch.randn(3, 2, 4),)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (_image(),)),
        (_Function(lambda x: x + torch.tensor([1.0, 2.0, 3.0])), (torch.randn(2, 3),)),
        (_Function(lambda x: (x, 3, None, x.cumsum(0))), (torch.randn(4),)),
    ],
    ids=["in place", "lstm", "upsample", "constant", "passed through"],
)
def test_one_trace_gives_the_operations_of_pytorch(
    module: nn.Module, inputs: tuple[torch.Tensor, ...]
) -> None:
    table = decomposition_table(torch)
    program = _exported(module, *inputs)
    with torch.no_grad():
        once = retrace(torch, program, table)
        theirs = program.run_decompositions(table)
    assert isinstance(once, Decomposed)
    assert _operations(once) == _operations(theirs)
    _check(once, module, inputs)


def test_a_linear_layer_over_transposed_rows_is_one_product() -> None:
    module, rows = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), torch.randn(2, 5, 16)
    once = retrace(torch, _exported(module, rows), decomposition_table(torch))
    assert once is not None
    assert "aten.bmm.default" not in _operations(once)[:5]  # PyTorch makes a batch of it
    _check(once, module, (rows,))


def test_placeholders_keep_their_names_and_operations_their_places() -> None:
    program = _exported(_InPlace(), _image())
    once = retrace(torch, program, decomposition_table(torch))
    assert once is not None
    names = [node.name for node in once.graph.nodes if node.op == "placeholder"]
    assert names == [spec.arg.name for spec in program.graph_signature.input_specs]
    convolution = next(n for n in once.graph.nodes if "aten.convolution" in str(n.target))
    assert "convolution" in str(convolution.meta["nn_module_stack"])
    assert __file__ in convolution.meta["stack_trace"]


def _branch(x: torch.Tensor) -> torch.Tensor:
    return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))


def _printing(x: torch.Tensor) -> torch.Tensor:
    torch.ops.aten._print("seen")
    return x + 1


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (_Counting(), (torch.randn(3),)),
        (_Function(lambda x: x.add_(1.0)), (torch.randn(3),)),
        (_Function(_branch), (torch.randn(3),)),
        (nn.RMSNorm(8), (torch.randn(2, 8),)),
        (_Function(_printing), (torch.eye(3),)),
    ],
    ids=["changes a buffer", "changes its input", "branches", "stays whole", "has effects"],
)
def test_the_rest_is_left_to_pytorch(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    program = _exported(module, *inputs)
    with torch.no_grad():
        assert retrace(torch, program, decomposition_table(torch)) is None
    assert isinstance(decompose(program), torch.export.ExportedProgram)


_FRESH_PROCESS = """
import sys
import torch
from fairway.ingest.torch_export import decompose
program = decompose(torch.export.load(sys.argv[1]))
assert type(program).__name__ == "Decomposed", program
"""


def test_a_process_that_has_not_exported_anything(tmp_path: Path) -> None:
    """PyTorch loads its parts as they are needed."""
    path = tmp_path / "model.pt2"
    torch.export.save(_exported(_InPlace(), _image()), path)
    done = subprocess.run(
        [sys.executable, "-c", _FRESH_PROCESS, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
