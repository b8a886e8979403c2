# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random PyTorch models: lists of operations, which JSON can hold, and a module that runs them.

Valid by construction, as the ONNX ones are: each operation is run while it is drawn, so that the
next one picks operands whose shapes are known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["OPERATIONS", "Program", "Random", "Writer"]

MOST_ELEMENTS = 4096
_T = TypeVar("_T")


@dataclass
class Program:
    """A model as plain values.

    Attributes:
        inputs: The dtype and the shape of each.
        weights: The shape of each.
        steps: The name of an operation, its operands, the numbers of its weights, and its
            other arguments. An operand is the number of the step that makes it; input 0
            is -1, input 1 is -2, and so on.
        results: The numbers of the steps whose results are returned.
    """

    inputs: list[tuple[str, list[int]]] = field(default_factory=list[tuple[str, list[int]]])
    weights: list[list[int]] = field(default_factory=list[list[int]])
    steps: list[tuple[str, list[int], list[int], list[Any]]] = field(
        default_factory=list[tuple[str, list[int], list[int], list[Any]]]
    )
    results: list[int] = field(default_factory=list[int])

    def save(self, path: Path) -> None:
        """Writes it as JSON."""
        path.write_text(json.dumps(vars(self), indent=1) + "\n", "utf-8")

    @staticmethod
    def load(path: Path) -> Program:
        """Reads what `save` wrote."""
        return Program(**json.loads(path.read_text("utf-8")))

    def draw_inputs(self) -> tuple[Tensor, ...]:
        """Random inputs: normal numbers, or whole ones from 0 to 4."""
        return tuple(_random(dtype, shape) for dtype, shape in self.inputs)


class Random(nn.Module):
    """A program as a module, with random weights."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.weights = nn.ParameterList(
            [
                nn.Parameter(torch.randn(shape) / max(1, shape[-1]) ** 0.5)
                for shape in program.weights
            ]
        )

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        values = {-1 - i: x for i, x in enumerate(inputs)}
        for number, (name, operands, weights, arguments) in enumerate(self.program.steps):
            given = [values[i] for i in operands] + [self.weights[i] for i in weights]
            values[number] = FUNCTIONS[name](*given, *arguments)
        return tuple(values[i] for i in self.program.results)


def _random(dtype: str, shape: Sequence[int]) -> Tensor:
    kind = getattr(torch, dtype)
    if kind.is_floating_point:
        return torch.randn(tuple(shape), dtype=kind)
    return torch.randint(0, 5, tuple(shape)).to(kind)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(torch, name) for name in ("tanh", "sigmoid", "erf", "sin", "cos", "atan")},
    **{name: getattr(torch, name) for name in ("relu", "abs", "neg", "square", "floor", "sign")},
    **{name: getattr(functional, name) for name in ("gelu", "silu", "softplus", "mish", "elu")},
    **{name: getattr(torch, name) for name in ("add", "sub", "mul", "maximum", "minimum")},
    **{name: getattr(torch, name) for name in ("amax", "amin", "sum", "mean", "logsumexp")},
    **{
        name: getattr(torch, name) for name in ("softmax", "cumsum", "flip", "roll", "tril", "triu")
    },
    **{name: getattr(torch, name) for name in ("matmul", "gather", "fmod", "remainder")},
    "root": lambda x: (x.abs() + 0.5).sqrt(),
    "log": lambda x: (x.abs() + 0.5).log(),
    "exp": lambda x: x.tanh().exp(),
    "divide": lambda x, y: x / (y.abs() + 0.5),
    "floor_divide": lambda x, n: torch.floor_divide(x, n),
    "where": lambda c, x, y: torch.where(c > 1, x, y),
    "float": lambda x: x.to(torch.get_default_dtype()),
    "variance": lambda x, dim, keep: torch.var(x, dim, correction=0, keepdim=keep),
    "linear": functional.linear,
    "layer_norm": lambda x, w, b: functional.layer_norm(x, w.shape, w, b),
    "conv1d": functional.conv1d,
    "conv2d": functional.conv2d,
    "max_pool2d": functional.max_pool2d,
    "avg_pool2d": functional.avg_pool2d,
    "reshape": lambda x, shape: x.reshape(shape),
    "permute": lambda x, order: x.permute(order),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim),
    "expand": lambda x, shape: x.expand(shape),
    "slice": lambda x, dim, start, stop, step: x[
        (slice(None),) * dim + (slice(start, stop, step),)
    ],
    "select": lambda x, dim, index: x.select(dim, index),
    "cat": lambda x, y, dim: torch.cat([x, y], dim),
    "stack": lambda x, y, dim: torch.stack([x, y], dim),
    "pad": lambda x, widths: functional.pad(x, widths),
    "index_select": lambda x, dim, places: x.index_select(dim, torch.tensor(places)),
    "embedding": lambda ids, table: functional.embedding(ids, table),
    "attention": lambda q, k, v: functional.scaled_dot_product_attention(q, k, v),
}


class Writer:
    """A program in the making.

    Args:
        draw: hypothesis's function that makes a choice.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.program = Program()
        self.values: dict[int, Tensor] = {}
        self.exact: dict[int, bool] = {}  # computed to the last bit by every implementation

    def choose(self, options: Sequence[_T]) -> _T:
        """One of some options; the first is the simplest."""
        return self._draw(st.sampled_from(options))

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._draw(st.integers(low, high))

    def shape(self, low: int, high: int) -> list[int]:
        """A shape of few elements."""
        found: list[int] = []
        for _ in range(self.integer(low, high)):
            left = MOST_ELEMENTS // max(1, torch.Size(found).numel())
            found.append(min(self.choose((3, 1, 2, 4, 5, 7, 8, 16, 17)), left))
        return found

    def input(self, dtype: str, shape: Sequence[int]) -> int:
        """A new input."""
        self.program.inputs.append((dtype, list(shape)))
        number = -len(self.program.inputs)
        self.values[number], self.exact[number] = _random(dtype, shape), True
        return number

    def permutation(self, rank: int) -> list[int]:
        """An order of dimensions."""
        return list(self._draw(st.permutations(range(rank))))

    def value(
        self, ranks: tuple[int, int] = (0, 4), kind: str = "float", exact: bool = False
    ) -> int:
        """A value of some rank, or a new input."""
        low, high = ranks
        fitting = [
            i
            for i, x in self.values.items()
            if low <= x.ndim <= high
            and x.numel()
            and x.dtype.is_floating_point == (kind == "float")
            and (self.exact[i] or not exact)
        ]
        if fitting and self.integer(0, 3) > 0:
            return self.choose(fitting[::-1])
        return self.input("float32" if kind == "float" else "int64", self.shape(low, high))

    def weight(self, *shape: int) -> int:
        """A new weight."""
        self.program.weights.append(list(shape))
        return len(self.program.weights) - 1

    def step(
        self,
        name: str,
        operands: Sequence[int],
        *arguments: Any,
        weights: Sequence[int] = (),
        exact: bool = False,
    ) -> int:
        """A new operation, which is run."""
        given = [self.values[i] for i in operands]
        made = [torch.randn(self.program.weights[i]) for i in weights]
        result = FUNCTIONS[name](*given, *made, *arguments)
        number = len(self.program.steps)
        self.program.steps.append((name, list(operands), list(weights), list(arguments)))
        self.values[number] = result
        self.exact[number] = exact and all(self.exact[i] for i in operands)
        return number

    def finish(self) -> Program:
        """The program: what no operation takes is a result."""
        used = {i for _, operands, _, _ in self.program.steps for i in operands}
        self.program.results = [i for i in range(len(self.program.steps)) if i not in used]
        return self.program


def _unary(w: Writer) -> None:
    names = ("tanh", "relu", "sigmoid", "gelu", "silu", "erf", "sin", "cos", "atan", "softplus")
    name = w.choose((*names, "mish", "elu", "root", "log", "exp", "abs", "neg", "square"))
    w.step(name, [w.value()], exact=name in ("relu", "abs", "neg"))


def _jump(w: Writer) -> None:
    w.step(w.choose(("floor", "sign")), [w.value(exact=True)], exact=True)


def _partner(w: Writer, x: int, kind: str) -> int:
    shape = list(w.values[x].shape)
    fitting = [
        i
        for i, y in w.values.items()
        if y.dtype == w.values[x].dtype and list(y.shape) == shape and i != x
    ]
    if fitting and w.integer(0, 2) > 0:
        return w.choose(fitting[::-1])
    kept = shape[w.integer(0, len(shape)) :]
    return w.input(
        "float32" if kind == "float" else "int64", [1 if w.integer(0, 3) == 3 else n for n in kept]
    )


def _binary(w: Writer) -> None:
    kind = w.choose(("float", "float", "int"))
    x = w.value(kind=kind)
    y = _partner(w, x, kind)
    names = ("add", "mul", "sub", "maximum", "minimum")
    if kind == "float":
        names = (*names, "divide")
    name = w.choose(names)
    w.step(name, [x, y], exact=kind == "int" or name in ("maximum", "minimum"))


def _integers(w: Writer) -> None:
    x = w.value(kind="int")
    name = w.choose(("floor_divide", "remainder", "fmod"))
    w.step(name, [x], w.choose((2, -3, 5)), exact=True)


def _to_float(w: Writer) -> None:
    w.step("float", [w.value(kind="int")], exact=True)


def _reduction(w: Writer) -> None:
    x = w.value((1, 4))
    dims = [d for d in range(w.values[x].ndim) if w.integer(0, 1)] or [w.values[x].ndim - 1]
    name = w.choose(("sum", "mean", "amax", "amin", "logsumexp", "variance"))
    w.step(name, [x], dims, bool(w.integer(0, 1)), exact=name in ("amax", "amin"))


def _along(w: Writer) -> None:
    x = w.value((1, 4))
    w.step(w.choose(("softmax", "cumsum")), [x], w.integer(0, w.values[x].ndim - 1))


def _moved(w: Writer) -> None:
    x = w.value((1, 4))
    dim = w.integer(0, w.values[x].ndim - 1)
    if w.integer(0, 1):
        w.step("flip", [x], [dim], exact=True)
    else:
        w.step("roll", [x], w.integer(-3, 3), dim, exact=True)


def _triangle(w: Writer) -> None:
    w.step(w.choose(("tril", "triu")), [w.value((2, 4))], w.integer(-2, 2), exact=True)


def _linear(w: Writer) -> None:
    x = w.value((1, 4))
    outer = w.choose((4, 1, 7, 16, 33))
    w.step("linear", [x], weights=[w.weight(outer, w.values[x].shape[-1]), w.weight(outer)])


def _products(w: Writer) -> None:
    x = w.value((2, 4))
    y = w.step("permute", [x], [*range(w.values[x].ndim - 2), -1, -2], exact=True)
    w.step("matmul", [x, y])


def _norm(w: Writer) -> None:
    x = w.value((1, 4))
    size = w.values[x].shape[-1]
    w.step("layer_norm", [x], weights=[w.weight(size), w.weight(size)])


def _convolution(w: Writer) -> None:
    two = bool(w.integer(0, 1))
    x = w.value((4, 4) if two else (3, 3))
    channels, outer = w.values[x].shape[1], w.choose((4, 1, 6, 16))
    kernel = [min(3, size) for size in w.values[x].shape[2:]]
    weights = [w.weight(outer, channels, *kernel), w.weight(outer)]
    stride, padding = w.choose((1, 2)), w.choose((0, 1))
    w.step("conv2d" if two else "conv1d", [x], stride, padding, weights=weights)


def _pooling(w: Writer) -> None:
    x = w.value((4, 4))
    kernel = [min(2, size) for size in w.values[x].shape[2:]]
    name = w.choose(("max_pool2d", "avg_pool2d"))
    w.step(name, [x], kernel, w.choose((1, 2)), exact=name == "max_pool2d")


def _arranged(w: Writer) -> None:
    x = w.value((1, 4))
    shape, rank = list(w.values[x].shape), w.values[x].ndim
    kind = w.choose(("reshape", "permute", "unsqueeze", "expand", "slice", "select", "pad"))
    if kind == "reshape":
        at = w.integer(0, rank - 1)
        merged = [*shape[:at], -1] if w.integer(0, 1) else [-1, *shape[at + 1 :]]
        w.step("reshape", [x], merged, exact=True)
    elif kind == "permute":
        w.step("permute", [x], w.permutation(rank), exact=True)
    elif kind == "unsqueeze" and rank < 4:
        w.step("unsqueeze", [x], w.integer(0, rank), exact=True)
    elif kind == "expand" and rank < 4 and w.values[x].numel() * 3 <= MOST_ELEMENTS:
        w.step("expand", [x], [3, *shape], exact=True)
    elif kind == "select":
        dim = w.integer(0, rank - 1)
        w.step("select", [x], dim, w.integer(-shape[dim], shape[dim] - 1), exact=True)
    elif kind == "pad":
        w.step("pad", [x], [w.integer(0, 2), w.integer(0, 2)], exact=True)
    else:
        dim = w.integer(0, rank - 1)
        start = w.integer(0, shape[dim] - 1)
        w.step(
            "slice",
            [x],
            dim,
            start,
            w.integer(start + 1, shape[dim]),
            1 + w.integer(0, 1),
            exact=True,
        )


def _joined(w: Writer) -> None:
    x = w.value((1, 3))
    if w.integer(0, 1):
        w.step("cat", [x, x], w.integer(0, w.values[x].ndim - 1), exact=True)
    else:
        w.step("stack", [x, x], w.integer(0, w.values[x].ndim), exact=True)


def _picked(w: Writer) -> None:
    x = w.value((1, 4))
    dim = w.integer(0, w.values[x].ndim - 1)
    places = [w.integer(0, w.values[x].shape[dim] - 1) for _ in range(w.integer(1, 4))]
    w.step("index_select", [x], dim, places, exact=True)


def _embedding(w: Writer) -> None:
    ids = w.input("int64", w.shape(1, 3))
    w.step("embedding", [ids], weights=[w.weight(5, w.choose((4, 1, 16)))], exact=True)


def _attention(w: Writer) -> None:
    x = w.value((3, 4))
    w.step("attention", [x, x, x])


OPERATIONS: tuple[Callable[[Writer], None], ...] = (
    *(_unary, _binary, _jump, _integers, _to_float, _reduction, _along, _moved, _triangle),
    *(_linear, _products, _norm, _convolution, _pooling, _arranged, _joined, _picked),
    *(_embedding, _attention),
)
