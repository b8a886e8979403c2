# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds an ONNX graph node by node; every choice comes from hypothesis, which shrinks them.

In the spirit of NNSmith (Liu et al., ASPLOS 2023): graphs are valid by construction, since each
operation picks operands that fit it and knows the type of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

__all__ = ["OPSET", "REGRESSIONS", "Builder", "Sample", "Value"]

# The models that failed once.
REGRESSIONS = Path(__file__).with_name("regressions")
OPSET = 20
MOST_ELEMENTS = 4096
_T = TypeVar("_T")


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        name: Its name.
        dtype: NumPy's.
        shape: Its sizes.
        exact: Whether every implementation computes it to the last bit. What jumps (a
            comparison, rounding) takes only such values: otherwise two correct results could
            differ by all they are worth.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    exact: bool = True

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.dtype.kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether it holds whole numbers."""
        return self.dtype.kind in "iu"


@dataclass(frozen=True)
class Sample:
    """A model and inputs for it."""

    model: ModelProto
    feeds: dict[str, NDArray[Any]]


class Builder:
    """A graph in the making.

    Args:
        draw: hypothesis's function that makes a choice.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self._random = np.random.default_rng(draw(st.integers(0, 2**16)))
        self._inputs: list[Value] = []
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._used: set[str] = set()
        self._values: list[Value] = []

    # ---- choices ---------------------------------------------------------------

    def choose(self, options: Sequence[_T]) -> _T:
        """One of some options; the first is the simplest."""
        return self._draw(st.sampled_from(options))

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._draw(st.integers(low, high))

    def flag(self) -> bool:
        """Yes or no."""
        return self._draw(st.booleans())

    def shape(self, ranks: tuple[int, int] = (0, 4)) -> tuple[int, ...]:
        """A shape of few elements; a dimension may have no elements."""
        sizes = st.one_of(st.integers(1, 6), st.sampled_from((1, 7, 8, 16, 17, 33)))
        found: list[int] = []
        for _ in range(self.integer(*ranks)):
            left = MOST_ELEMENTS // max(1, int(np.prod(found)))
            found.append(min(self._draw(sizes), max(1, left)))
        return tuple(found)

    def pick(self, fits: Callable[[Value], bool], make: Callable[[], Value]) -> Value:
        """A value that fits, or a new input where none does, and sometimes anyway."""
        fitting = [value for value in self._values if fits(value)]
        if fitting and self.integer(0, 3) > 0:
            return self.choose(fitting[::-1])
        return make()

    def float_value(self, ranks: tuple[int, int] = (0, 4), exact: bool = False) -> Value:
        """A float32 or float64 value of some rank."""

        def make() -> Value:
            dtype = self.choose(("float32", "float32", "float64"))
            return self.input(dtype, self.shape(ranks))

        low, high = ranks
        return self.pick(
            lambda v: v.is_float and low <= v.rank <= high and (v.exact or not exact), make
        )

    def integer_value(self, ranks: tuple[int, int] = (0, 4)) -> Value:
        """An int32 or int64 value of some rank."""
        low, high = ranks
        return self.pick(
            lambda v: v.dtype in (np.int32, np.int64) and low <= v.rank <= high,
            lambda: self.input(self.choose(("int64", "int32")), self.shape(ranks)),
        )

    def truth_value(self) -> Value:
        """A bool value."""
        return self.pick(lambda v: v.dtype.kind == "b", lambda: self.input("bool", self.shape()))

    def any_value(self, ranks: tuple[int, int] = (0, 4)) -> Value:
        """A value of any dtype and of some rank."""
        low, high = ranks
        return self.pick(
            lambda v: low <= v.rank <= high,
            lambda: self.input(self.choose(("float32", "int64", "bool")), self.shape(ranks)),
        )

    def partner(self, value: Value, exact: bool = False) -> Value:
        """A value of the same dtype with which it can be broadcast."""

        def fits(other: Value) -> bool:
            if other.dtype != value.dtype or (exact and not other.exact):
                return False
            try:
                shape = np.broadcast_shapes(value.shape, other.shape)
            except ValueError:
                return False
            return int(np.prod(shape)) <= MOST_ELEMENTS

        def make() -> Value:
            kept = value.shape[self.integer(0, value.rank) :]
            shape = tuple(1 if self.flag() else size for size in kept)
            return self.input(value.dtype.name, shape)

        return self.pick(fits, make)

    # ---- parts of the graph ----------------------------------------------------

    def array(self, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """Random numbers: normal ones, whole ones from -4 to 4, or truth values."""
        kind = np.dtype(dtype).kind
        if kind == "f":
            return self._random.standard_normal(shape).astype(dtype)
        if kind == "b":
            return self._random.integers(0, 2, shape).astype(dtype)
        return self._random.integers(-4 if kind == "i" else 0, 5, shape).astype(dtype)

    def input(self, dtype: str, shape: tuple[int, ...]) -> Value:
        """A new input of the model."""
        value = Value(f"x{len(self._inputs)}", np.dtype(dtype), shape)
        self._inputs.append(value)
        self._values.append(value)
        return value

    def constant(self, array: NDArray[Any] | Sequence[int]) -> str:
        """A new weight, or a list of whole numbers that an operation takes as a tensor."""
        name = f"c{len(self._constants)}"
        data = array if isinstance(array, np.ndarray) else np.array(array, np.int64)
        self._constants.append(numpy_helper.from_array(data, name))
        return name

    def weight(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
        """A weight of random numbers."""
        return self.constant(self.array(dtype.name, shape))

    def node(
        self,
        operation: str,
        operands: Sequence[Value | str],
        *results: tuple[np.dtype[Any] | str, tuple[int, ...]],
        exact: bool = False,
        **attributes: Any,
    ) -> tuple[Value, ...]:
        """A new node; its results can be operands of later ones.

        Args:
            operation: ONNX's name of it.
            operands: Values, or names of constants.
            results: The dtype and shape of each.
            exact: Whether it computes to the last bit what is exact to the last bit.
            attributes: As ONNX names them.
        """
        given = [operand for operand in operands if isinstance(operand, Value)]
        self._used |= {value.name for value in given}
        exact = exact and all(value.exact for value in given)
        made = tuple(
            Value(f"v{len(self._values) + index}", np.dtype(dtype), tuple(shape), exact)
            for index, (dtype, shape) in enumerate(results)
        )
        names = [operand.name if isinstance(operand, Value) else operand for operand in operands]
        outputs = [value.name for value in made]
        label = f"{operation} {len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, names, outputs, name=label, **attributes))
        self._values.extend(made)
        return made

    def sample(self) -> Sample:
        """The model: what no node takes is an output of it."""
        made = {name for node in self._nodes for name in node.output}
        outputs = [v for v in self._values if v.name in made and v.name not in self._used]
        graph = helper.make_graph(
            self._nodes,
            "random",
            [_info(value) for value in self._inputs],
            [_info(value) for value in outputs],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 9
        feeds = {value.name: self.array(value.dtype.name, value.shape) for value in self._inputs}
        return Sample(model, feeds)


def _info(value: Value) -> Any:
    element = helper.np_dtype_to_tensor_dtype(value.dtype)
    assert element != TensorProto.UNDEFINED
    return helper.make_tensor_value_info(value.name, element, value.shape)
