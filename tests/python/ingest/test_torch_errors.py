# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch models that cannot be compiled say why, where, and what to do."""

from __future__ import annotations

import pytest
import torch
from ingest_torch_models import Branch, Function, Inner, Outer, line_of
from torch import nn

from fairway.errors import InvalidArgument, InvalidModel, MissingDependency, UnsupportedOp
from fairway.ingest import load

X = torch.randn(2, 4)


def test_unsupported_operation_is_named_with_module_and_line() -> None:
    with pytest.raises(UnsupportedOp) as caught:
        load(Outer(), (X,))
    assert "aten._linalg_svd" in caught.value.message
    assert caught.value.where is not None
    assert "inner (Inner)" in caught.value.where
    assert line_of(Inner, "torch.linalg.svd") in caught.value.where
    assert caught.value.operations == ("aten._linalg_svd.default",)


def test_operation_lost_in_a_foreign_dialect_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # torch-mlir's own way with a sort, which ours goes before.
    monkeypatch.setattr("fairway.ingest.torch_decompositions.sort_table", lambda torch: {})
    with pytest.raises(UnsupportedOp, match="aten.sort"):
        load(Function(torch.sort), (X,))


def test_data_dependent_branch_names_the_line() -> None:
    with pytest.raises(InvalidModel, match="depends on the values") as caught:
        load(Branch(), (X,))
    assert line_of(Branch, "if x.sum()") in (caught.value.where or "")
    assert "torch.where" in (caught.value.hint or "")


def test_failed_tracing_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidModel):
        load(Branch(), (X,))
    assert capfd.readouterr() == ("", "")


def test_inputs_that_the_model_refuses() -> None:
    with pytest.raises(InvalidModel, match="fails on the example inputs"):
        load(nn.Linear(5, 3), (X,))


def test_missing_inputs() -> None:
    with pytest.raises(InvalidModel, match="missing a required argument"):
        load(nn.Linear(5, 3))


@pytest.mark.parametrize(
    ("layer", "what"),
    [(nn.Dropout(0.5), "dropout is active"), (nn.BatchNorm1d(4), "updates its statistics")],
)
def test_training_mode(layer: nn.Module, what: str) -> None:
    with pytest.raises(InvalidModel, match=what) as caught:
        load(nn.Sequential(nn.Linear(4, 4), layer).train(), (X,))
    assert "model.eval()" in (caught.value.hint or "")
    assert (caught.value.where or "").startswith("1 (")


def test_changed_buffer() -> None:
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.count.add_(1)
            return x + self.count

    with pytest.raises(InvalidModel, match="changes its buffer 'count'"):
        load(Counter(), (X,))


def test_changed_input() -> None:
    with pytest.raises(InvalidModel, match="changes its input"):
        load(Function(lambda x: x.add_(1) * 2), (X.clone(),))


def test_complex_numbers() -> None:
    with pytest.raises(UnsupportedOp, match="complex"):
        load(Function(lambda x: x * 2), (torch.zeros(2, dtype=torch.complex64),))


def test_parameters_without_data() -> None:
    with pytest.raises(InvalidModel, match="meta device"):
        load(nn.Linear(4, 3, device="meta"), (X,))


def test_script_modules() -> None:
    with pytest.warns(DeprecationWarning):
        scripted = torch.jit.script(nn.Linear(4, 3))
    with pytest.raises(InvalidModel, match="TorchScript"):
        load(scripted, (X,))


def test_results_that_hide_tensors() -> None:
    class Holder:
        def __init__(self, value: torch.Tensor) -> None:
            self.value = value

    with pytest.raises(InvalidModel):
        load(Function(Holder), (X,))


def test_dims_for_an_exported_program() -> None:
    exported = torch.export.export(nn.Linear(4, 3), (X,))
    with pytest.raises(InvalidArgument, match="exported program"):
        load(exported, dims={"x": {0: "batch"}})


def test_missing_torch_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from fairway.ingest import torch_export

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency) as caught:
        torch_export.import_torch()
    assert "pip install torch" in (caught.value.hint or "")
