# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch models become programs: names, types, data, locations, structure."""

from __future__ import annotations

import re
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from ingest_torch_models import Function, Small, Structured, line_of
from torch import nn

import fairway
from fairway.ingest import load
from fairway.program import Program

X = torch.randn(2, 4)


@pytest.fixture(scope="module")
def model() -> Small:
    return Small().eval()


@pytest.fixture(scope="module")
def small(model: Small) -> Program:
    return load(model, (torch.randn(1, 3, 8, 8),))


@pytest.fixture(scope="module")
def structured() -> Program:
    return load(Structured(), (X,), {"mask": X > 0})


def test_signature_names_inputs_parameters_and_outputs(small: Program) -> None:
    assert [(s.name, s.dtype, s.shape) for s in small.inputs] == [("x", "float32", (1, 3, 8, 8))]
    kinds = {s.name: s.kind for s in small.parameters}
    assert kinds["conv.weight"] == "parameter"
    assert kinds["bn.running_mean"] == "buffer"
    assert "bn.num_batches_tracked" not in kinds  # inference does not use it
    assert [(s.name, s.kind, s.shape) for s in small.outputs] == [("output", "output", (1, 10))]
    assert small.framework == "torch"


def test_arguments_carry_attributes_in_the_text(small: Program) -> None:
    main = next(line for line in small.module.splitlines() if "@main" in line)
    assert "func.func public @main(" in main
    for spec in (*small.inputs, *small.parameters):
        attributes = (
            f'fairway.dtype = "{spec.dtype}", fairway.kind = "{spec.kind}", '
            f'fairway.name = "{spec.name}"'
        )
        assert attributes in main
    assert 'fairway.name = "output"' in main.partition("->")[2]


def test_only_allowed_dialects_remain(small: Program) -> None:
    text = re.sub(r'"[^"]*"', "", small.module)
    found = set(re.findall(r"(?:= |^\s+)([a-z_]+)\.[a-z_]+[ (]", text, re.MULTILINE))
    allowed = {"arith", "math", "tensor", "linalg", "scf", "cf", "func"}
    assert "linalg" in found
    assert found <= allowed


def test_parameters_share_memory_with_the_model(model: Small, small: Program) -> None:
    state = model.state_dict()
    assert set(small.arrays) == {s.name for s in small.parameters}
    for name, array in small.arrays.items():
        assert array.ctypes.data == state[name].data_ptr()


def test_weights_are_not_in_the_text(small: Program) -> None:
    assert "dense_resource" not in small.module
    assert len(small.module) < 20_000


def test_locations_name_module_operation_and_source(small: Program) -> None:
    assert '"conv (Conv2d)"' in small.module
    assert '"aten.convolution.default"' in small.module
    file, _, line = line_of(Small, "self.fc(self.pool").rpartition(":")
    assert f'"{file}":{line}:0' in small.module


def test_structure_in_and_out_survives(structured: Program) -> None:
    assert [s.name for s in structured.inputs] == ["x", "mask"]
    assert [s.dtype for s in structured.inputs] == ["float32", "bool"]
    assert [s.name for s in structured.outputs] == ["y", "pair.0", "pair.1.0", "pair.1.1"]
    assert structured.outputs[3].dtype == "bool"
    result = structured.tree.unflatten([1, 2, 3, 4])
    assert result == {"y": 1, "none": None, "count": 3, "pair": (2, [3, 4])}
    assert structured.tree.flatten((X,), {"mask": X > 0})[0] is X


def test_python_scalars_are_compiled_in() -> None:
    program = load(Structured(), (X, 3.5))
    assert [s.name for s in program.inputs] == ["x"]
    assert "3.5" in program.module
    assert program.tree.flatten((X, 3.5)) == [X]


def test_named_tuples_go_in_and_come_out() -> None:
    pair = namedtuple("pair", "a b")
    globals()["pair"] = pair

    class Swap(nn.Module):
        def forward(self, p):
            return pair(p.b, p.a + 1)

    program = load(Swap(), (pair(X, X),))
    assert [s.name for s in program.inputs] == ["p.a", "p.b"]
    assert program.tree.unflatten([1, 2])._asdict() == {"a": 1, "b": 2}


def test_transformers_style_outputs_come_back() -> None:
    pytest.importorskip("transformers")
    from transformers.modeling_outputs import BaseModelOutput

    class Encoder(nn.Module):
        def forward(self, x):
            return BaseModelOutput(last_hidden_state=x + 1, attentions=(x, x * 2))

    program = load(Encoder(), (X,))
    assert [s.name for s in program.outputs] == [
        "last_hidden_state",
        "attentions.0",
        "attentions.1",
    ]
    result = program.tree.unflatten([X, X, X])
    assert isinstance(result, BaseModelOutput)
    assert result.hidden_states is None
    assert result.attentions[1] is X


def test_integer_and_small_types_keep_their_names() -> None:
    types = ["uint8", "int8", "int32", "int64", "bool", "float16", "bfloat16", "float64"]
    tensors = tuple(torch.zeros(3).to(getattr(torch, name)) for name in types)
    program = load(Function(lambda *a: tuple(t.clone() for t in a)), tensors)
    assert [s.dtype for s in program.inputs] == types
    assert [s.dtype for s in program.outputs] == types


def test_tied_parameters_become_one() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.b.weight = self.a.weight
            self.c = nn.Linear(4, 4, bias=False)
            self.c.weight = nn.Parameter(self.a.weight.detach())  # the same memory only

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.c(self.b(self.a(x)))

    assert len(load(Tied(), (X,)).parameters) == 1


def test_parameters_of_other_layouts_are_copied_in_order() -> None:
    class Strided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.arange(12.0).reshape(4, 3).t())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.w.t()

    model = Strided()
    array = load(model, (X,)).arrays["w"]
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array, model.w.detach().numpy())


def test_bfloat16_parameters_stay_tensors_of_the_same_memory() -> None:
    model = nn.Linear(4, 3).to(torch.bfloat16)
    program = load(model, (X.to(torch.bfloat16),))
    weight = program.arrays["weight"]
    assert weight.data_ptr() == model.weight.data_ptr()
    assert hasattr(weight, "__dlpack__")
    assert not weight.requires_grad
    assert program.parameters[0].dtype == "bfloat16"


def test_constants_of_the_code_stay_in_the_text() -> None:
    program = load(
        Function(lambda x: (x + torch.tensor([1.0, 2.0, 3.0, 4.5]), x > torch.tensor(7.25))), (X,)
    )
    assert program.parameters == ()
    assert "4.5" in program.module


def test_constants_of_the_code_serve_several_operands() -> None:
    weight = torch.randn(3, 4)
    model = Function(lambda x: (torch.cat([weight, weight * x, weight]), weight.exp() + x, weight))
    x = torch.randn(3, 4)
    for got, want in zip(fairway.compile(model, (x,))(x), model(x), strict=True):
        torch.testing.assert_close(got, want)


def test_large_constants_of_the_code_become_buffers() -> None:
    table = torch.randn(100, 4)
    program = load(Function(lambda x: x @ table.t()), (X,))
    assert [s.kind for s in program.parameters] == ["buffer"]
    assert next(iter(program.arrays.values())).ctypes.data == table.data_ptr()


def test_exported_programs_are_taken_as_they_are() -> None:
    exported = torch.export.export(Structured(), (X,), {"mask": X > 0})
    program = load(exported)
    assert [s.name for s in program.inputs] == ["x", "mask"]
    assert program.tree.unflatten([1, 2, 3, 4])["pair"] == (2, [3, 4])


def test_an_input_may_be_returned_twice() -> None:
    program = load(Function(lambda x: (x, x + 1, x)), (X,))
    assert len(program.outputs) == 3
    assert program.tree.unflatten([1, 2, 3]) == (1, 2, 3)


def test_a_model_in_training_mode_without_random_parts_is_fine() -> None:
    assert load(nn.Sequential(nn.Linear(4, 4), nn.ReLU()).train(), (X,)).inputs


def test_progress_names_the_stages() -> None:
    stages: list[str] = []
    load(nn.Linear(4, 4), (X,), progress=stages.append)
    assert stages[0] == "tracing"
    assert stages[-1] == "lowering to linalg"


def test_loading_leaves_the_model_and_its_gradients_alone() -> None:
    model = nn.Linear(4, 4)
    load(model, (X,))
    assert model.weight.requires_grad
    assert model.training
    model(X).sum().backward()


def test_recurrent_and_attention_modules_lower() -> None:
    lstm = load(nn.LSTM(4, 3, batch_first=True).eval(), (torch.randn(2, 5, 4),))
    assert [s.name for s in lstm.outputs] == ["output.0", "output.1.0", "output.1.1"]
    encoder = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()
    assert len(load(encoder, (torch.randn(2, 5, 8),)).outputs) == 1


def test_long_constants_of_truth_values_keep_their_places() -> None:
    mask = torch.rand(7, 23) > 0.5

    class Masked(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mask = mask

        def forward(self, x: Any) -> Any:
            return torch.where(self.mask, x, -x)

    x = torch.randn(7, 23)
    found = fairway.compile(Masked().eval(), (x,))(x)
    torch.testing.assert_close(found, torch.where(mask, x, -x))


@pytest.mark.parametrize("length", [1, 5, 300])
def test_product_of_two_vectors(length: int) -> None:
    a, b = torch.randn(length), torch.randn(length)
    found = fairway.compile(Function(torch.dot), (a, b))(a, b)
    torch.testing.assert_close(
        found.double(), torch.dot(a.double(), b.double()), rtol=1e-4, atol=1e-4
    )


def test_scalars_that_nothing_computes() -> None:
    x = torch.tensor(2.5)
    found = fairway.compile(Function(lambda x: (x, torch.tensor(7), x + 1)), (x,))(x)
    torch.testing.assert_close(tuple(found), (x, torch.tensor(7), x + 1))
