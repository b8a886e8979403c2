# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The nodes that stand for one ONNX node, as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairway.ingest.onnx_read import import_onnx

__all__ = ["Body"]


@dataclass
class Body:
    """The nodes that stand for one.

    Attributes:
        node: The one.
        shapes: The static shapes of the graph's values, by name.
        constants: The values of its small constants, by name.
        dtypes: The dtypes of the graph's values, by name.
        opset: The operator set that says what the node's defaults are.
        nodes: What was written so far.
    """

    node: Any
    shapes: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, NDArray[Any]]
    dtypes: Mapping[str, np.dtype[Any]]
    opset: int
    nodes: list[Any] = field(default_factory=list[Any])

    def attribute(self, name: str, default: Any) -> Any:
        """The value of one of the node's attributes."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                value = import_onnx().helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def has(self, index: int) -> bool:
        """Whether an optional operand is given."""
        return index < len(self.node.input) and self.node.input[index] != ""

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of an operand; raises KeyError if it is not static."""
        return self.shapes[self.node.input[index]]

    def constant(self, index: int) -> NDArray[Any] | None:
        """The value of an operand; None if there is none, KeyError if it is not constant."""
        if not self.has(index):
            return None
        return self.constants[self.node.input[index]]

    def add(self, operation: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """Writes a node with one result, whose name is returned; arrays become constants."""
        names = [name if isinstance(name, str) else self._constant(name) for name in inputs]
        return self._write(operation, names, attributes)[0]

    def add_several(
        self, operation: str, count: int, *inputs: str | NDArray[Any], **attributes: Any
    ) -> list[str]:
        """Writes a node with several results, whose names are returned."""
        names = [name if isinstance(name, str) else self._constant(name) for name in inputs]
        return self._write(operation, names, attributes, count)

    def finish(self, results: Sequence[str]) -> list[Any]:
        """Gives the node's results their names."""
        for name, result in zip(self.node.output, results, strict=False):
            if name:
                made = import_onnx().helper.make_node("Identity", [result], [name])
                made.name = self.node.name
                self.nodes.append(made)
        return self.nodes

    def _constant(self, array: NDArray[Any]) -> str:
        value = import_onnx().numpy_helper.from_array(np.asarray(array, order="C"))
        return self._write("Constant", [], {"value": value})[0]

    def _write(
        self, operation: str, inputs: list[str], attributes: dict[str, Any], count: int = 1
    ) -> list[str]:
        name = f"{self.node.output[0]}/{operation}.{len(self.nodes)}"
        names = [name, *(f"{name}/{number}" for number in range(1, count))]
        made = import_onnx().helper.make_node(operation, inputs, names, **attributes)
        made.name = self.node.name  # its place in the user's model
        self.nodes.append(made)
        return names

    # ---- what several bodies share ---------------------------------------------

    def last(self, value: str, rank: int, axis: int) -> str:
        """`value` with an axis moved to the end."""
        order = [other for other in range(rank) if other != axis] + [axis]
        return value if order == sorted(order) else self.add("Transpose", value, perm=order)

    def back(self, value: str, rank: int, axis: int) -> str:
        """`value` with the last axis moved to where it belongs."""
        order = list(range(rank - 1))
        order.insert(axis, rank - 1)
        return value if order == sorted(order) else self.add("Transpose", value, perm=order)

    def unsqueeze(self, value: str, axis: int) -> str:
        """`value` with a new axis."""
        return self.add("Unsqueeze", value, np.array([axis]))

    def reduce(self, operation: str, value: str) -> str:
        """A reduction along the last axis."""
        return self.add(operation, value, np.array([-1]), keepdims=0)
