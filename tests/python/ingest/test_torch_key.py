# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a PyTorch model's key covers: everything that changes the code, and no more."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from fairway.ingest import begin


def key(model: Any, *args: Any, dims: Any = None, **kwargs: Any) -> str | None:
    return begin(model.eval() if isinstance(model, nn.Module) else model, args, kwargs, dims).key


class Apply(nn.Module):
    """Calls a function with the arguments, and with the module's tensors if it has some."""

    def __init__(self, function: Callable[..., Any], **tensors: torch.Tensor) -> None:
        super().__init__()
        self.function = function
        for name, tensor in tensors.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        state = {
            **dict(self.named_parameters(remove_duplicate=False)),
            **dict(self.named_buffers()),
        }
        return self.function(*args, *state.values(), **kwargs)


class Pair(NamedTuple):
    """A result of a class of its own."""

    first: Any
    second: Any


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape))


def of(function: Callable[..., Any], *args: Any, **tensors: Any) -> Callable[[], str | None]:
    return lambda: key(Apply(function, **tensors), *args)


def within(context: Callable[[], Any], make: Callable[[], str | None]) -> Callable[[], str | None]:
    def run() -> str | None:
        with context():
            return make()

    return run


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Any:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


X = torch.randn(2, 3)
Y = torch.randn(2, 3)
Q = torch.randn(1, 2, 4, 8)
W = parameter(3, 3)
SDPA = nn.functional.scaled_dot_product_attention


def add(x: Any, y: Any, **kwargs: Any) -> Any:
    return x + y if not kwargs else x * y


def casting(dtype: torch.dtype) -> Callable[[Any, Any], Any]:
    def function(x: Any, a: Any) -> Any:
        with torch.autocast("cpu", dtype=dtype):
            return x @ a

    return function


def choosing(factor: float) -> Callable[[Any], Any]:
    """Branches become graphs of their own."""
    return lambda x: torch.cond(x.sum() > 0, lambda y: y * factor, lambda y: y - 1, (x,))


def times(factor: Any) -> Callable[[Any], Any]:
    return lambda x: x * factor


def plus(*values: float) -> Callable[[Any], Any]:
    return lambda x: x + torch.tensor(values)


DIFFERENT = {
    "operation": (of(torch.relu, X), of(torch.tanh, X)),
    "overload": (of(lambda x: x > 0, X), of(lambda x: x > x.new_zeros(()), X)),
    "attribute": (of(lambda x: x.sum(0), X), of(lambda x: x.sum(1), X)),
    "negative zero": (of(times(0.0), X), of(times(-0.0), X)),
    "int and float": (of(times(2), X), of(times(2.0), X)),
    "nearly equal": (of(times(0.1), X), of(times(0.1 + 1e-17 * 2), X)),
    "shape": (of(torch.relu, X), of(torch.relu, torch.randn(3, 2))),
    "rank": (of(torch.relu, torch.randn(6)), of(torch.relu, torch.randn(6, 1))),
    "dtype": (of(torch.abs, X), of(torch.abs, X.double())),
    "python scalar": (of(torch.pow, X, 2), of(torch.pow, X, 3)),
    "bool scalar": (of(lambda x, flag: x * flag, X, 1), of(lambda x, flag: x * flag, X, True)),
    "small constant": (of(plus(1.0, 2.0, 3.0), X), of(plus(1.0, 2.0, 4.0), X)),
    "order of inputs": (of(torch.sub, X, Y), of(lambda x, y: y - x, X, Y)),
    "inputs' structure": (of(lambda p: p[0] + p[1], (X, X)), of(torch.add, X, X)),
    "result's structure": (of(lambda x: [x + 1, x], X), of(lambda x: {"a": x + 1, "b": x}, X)),
    "result's class": (of(lambda x: (x + 1, x), X), of(lambda x: Pair(x + 1, x), X)),
    "result's constant": (of(lambda x: (x + 1, 1), X), of(lambda x: (x + 1, 2), X)),
    "tied weights": (
        of(lambda x, a, b: x @ a @ b, X, a=W, b=W),
        of(lambda x, a, b: x @ a @ b, X, a=W, b=parameter(3, 3)),
    ),
    "weights of one memory": (
        of(lambda x, a, b: x @ a @ b, X, a=W, b=nn.Parameter(W.data)),
        of(lambda x, a, b: x @ a @ b, X, a=W, b=parameter(3, 3)),
    ),
    "parameter and buffer": (
        of(lambda x, a: x @ a, X, a=W),
        of(lambda x, a: x @ a, X, a=torch.randn(3, 3)),
    ),
    "weight's shape": (of(add, X, a=parameter(3)), of(add, X, a=parameter(1))),
    "weight's layout": (
        of(lambda x, a: x @ a, X, a=W),
        of(lambda x, a: x @ a, X, a=nn.Parameter(W.data.T)),
    ),
    "weight's name": (of(add, X, a=parameter(3)), of(add, X, b=parameter(3))),
    "autocast": (
        of(lambda x, a: x @ a, X, a=W),
        within(lambda: torch.autocast("cpu"), of(lambda x, a: x @ a, X, a=W)),
    ),
    "autocast inside": (
        of(casting(torch.bfloat16), X, a=W),
        of(casting(torch.float16), X, a=W),
    ),
    "branch": (of(choosing(2.0), X), of(choosing(3.0), X)),
    "default dtype": (
        of(lambda x: x + 1, X),
        within(lambda: default_dtype(torch.float64), of(lambda x: x + 1, X)),
    ),
    "attention's implementation": (
        of(SDPA, Q, Q, Q),
        within(lambda: nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH), of(SDPA, Q, Q, Q)),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_keys_apart(name: str) -> None:
    one, other = DIFFERENT[name]
    first, second = one(), other()
    assert first is not None
    assert second is not None
    assert first != second
    assert one() == first


def test_keyword_arguments_count_with_their_names_and_order() -> None:
    keys = {
        key(Apply(lambda x, y: x - y), x=X, y=X),
        key(Apply(lambda x, y: x - y), y=X, x=X),
        key(Apply(lambda x, z: x - z), x=X, z=X),
        key(Apply(lambda x, y: x - y), X, X),
    }
    assert None not in keys
    assert len(keys) == 4


def test_values_of_weights_and_inputs_do_not_count() -> None:
    keys = set()
    for _ in range(2):
        model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        nn.init.normal_(model[1].running_mean)
        keys.add(key(model, torch.randn(1, 2, 8, 8)))
    assert len(keys) == 1
    assert None not in keys


def test_place_in_the_source_does_not_count() -> None:
    keys = set()
    for lines in (0, 7):
        scope: dict[str, Any] = {}
        text = "\n" * lines + "def function(x):\n    return x.relu() + 1\n"
        exec(compile(text, f"file{lines}.py", "exec"), scope)
        keys.add(key(Apply(scope["function"]), X))
    assert len(keys) == 1


def test_key_is_the_same_in_another_process() -> None:
    code = (
        "import torch\n"
        "from fairway.ingest import begin\n"
        "model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.GELU()).eval()\n"
        "print(begin(model, (torch.ones(2, 4),)).key)\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert "None" not in found.pop()


def test_exported_program_has_its_module_s_key_but_for_the_names_of_arguments() -> None:
    model = Apply(torch.relu).eval()
    exported = torch.export.export(model, (X,))
    assert key(exported) == key(exported)
    assert key(exported) is not None


def test_symbolic_sizes_have_no_key() -> None:
    assert key(nn.Linear(3, 2), X, dims={"input": {0: "batch"}}) is None


def test_operations_of_others_have_no_key() -> None:
    with torch.library._scoped_library("fairway_test", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeImplicitAutograd")
        model = Apply(lambda x: torch.ops.fairway_test.twice(x.relu()))
        assert key(model, X) is None


def test_modes_that_intercept_operations_have_no_key() -> None:
    exported = torch.export.export(Apply(torch.relu).eval(), (X,))
    with torch.overrides.BaseTorchFunctionMode():
        assert key(exported) is None


def test_subclasses_of_tensors_have_no_key() -> None:
    class Odd(torch.Tensor):
        pass

    exported = torch.export.export(Apply(add, a=parameter(3)).eval(), (X,))
    exported.state_dict["a"] = exported.state_dict["a"].detach().as_subclass(Odd)
    assert key(exported) is None
