# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bodies of ONNX's recurrent layers in other directions than forward, and of `Scan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fairway.ingest.onnx_body import Body
from fairway.ingest.onnx_read import import_onnx

__all__ = ["recurrent", "scan"]

_MOST_NODES = 20000  # that the steps of a `Scan` may be written out as
_ATTRIBUTES = ("clip", "hidden_size", "input_forget", "layout", "linear_before_reset")


def recurrent(b: Body) -> list[str]:
    """A layer that reads its sequence backwards, or both ways, by layers that read forward."""
    direction = b.attribute("direction", "forward")
    if direction == "forward":
        raise KeyError("torch-mlir has it")
    if b.has(4) or b.has(7):
        raise KeyError("sequences of several lengths, or peepholes")
    batch_first = b.attribute("layout", 0)
    steps = b.shape(0)[1 if batch_first else 0]
    backwards = np.arange(steps)[::-1].copy()
    both = direction == "bidirectional"
    found: list[list[str]] = []
    for number in range(2 if both else 1):
        reverse = number == 1 or not both
        x = b.node.input[0]
        if reverse:
            x = b.add("Gather", x, backwards, axis=1 if batch_first else 0)
        operands = [x]
        for index in range(1, len(b.node.input)):
            name, axis = b.node.input[index], int(index > 3 and batch_first)
            if name and both:
                place = (np.array([number]), np.array([number + 1]), np.array([axis]))
                name = b.add("Slice", name, *place)
            operands.append(name)
        states = 2 if b.node.op_type == "LSTM" else 1
        results = b.add_several(
            b.node.op_type, 1 + states, *operands, **_attributes(b, number, both)
        )
        if reverse:
            results[0] = b.add("Gather", results[0], backwards, axis=1 if batch_first else 0)
        found.append(results)
    if not both:
        return found[0]
    axes = [2 if batch_first else 1, *([int(bool(batch_first))] * (len(found[0]) - 1))]
    return [
        b.add("Concat", *pair, axis=axis)
        for axis, pair in zip(axes, zip(*found, strict=True), strict=True)
    ]


def _attributes(b: Body, number: int, both: bool) -> dict[str, Any]:
    """The attributes of the layer that reads one way."""
    given = {name: b.attribute(name, None) for name in _ATTRIBUTES}
    given = {name: value for name, value in given.items() if value is not None}
    for name in ("activations", "activation_alpha", "activation_beta"):
        values = b.attribute(name, [])
        if values:
            each = len(values) // (2 if both else 1)
            given[name] = values[number * each : (number + 1) * each]
    return given


def scan(b: Body) -> list[str]:
    """`Scan` as its steps, one after another."""
    inner = b.attribute("body", None)
    count = b.attribute("num_scan_inputs", 0)
    states, read = list(b.node.input[:-count]), b.node.input[-count:]
    ranks = [len(b.shapes[name]) for name in read]
    axes = [axis % rank for axis, rank in zip(b.attribute("scan_input_axes", [0] * count), ranks)]
    backwards = b.attribute("scan_input_directions", [0] * count)
    steps = b.shapes[read[0]][axes[0]]
    if not 0 < steps * len(inner.node) <= _MOST_NODES:
        raise KeyError("no step, or more than can be written out")
    written: list[list[str]] = []
    for step in range(steps):
        slices = [
            b.add("Gather", name, np.array(steps - 1 - step if back else step), axis=axis)
            for name, axis, back in zip(read, axes, backwards)
        ]
        names = dict(zip((value.name for value in inner.input), (*states, *slices), strict=True))
        results = _write_out(b, inner, names, f"{b.node.output[0]}/{step}")
        states = results[: len(states)]
        written.append(results[len(states) :])
    stacked: list[str] = []
    for number, parts in enumerate(zip(*written, strict=True)):
        directions = b.attribute("scan_output_directions", [0] * len(written[0]))
        axis = b.attribute("scan_output_axes", [0] * len(written[0]))[number]
        ordered = reversed(parts) if directions[number] else parts
        stacked.append(b.add("Concat", *(b.unsqueeze(part, axis) for part in ordered), axis=axis))
    return [*states, *stacked]


def _write_out(b: Body, inner: Any, names: dict[str, str], prefix: str) -> list[str]:
    """Writes the nodes of a subgraph; gives the names of its results.

    Args:
        b: Where to.
        inner: The subgraph.
        names: What its inputs are called outside; its own values are added.
        prefix: Makes the names of its own values unique.
    """
    helper = import_onnx().helper
    for tensor in inner.initializer:
        names[tensor.name] = f"{prefix}/{tensor.name}"
        b.nodes.append(helper.make_node("Constant", [], [names[tensor.name]], value=tensor))
    for node in inner.node:
        made = type(node)()
        made.CopyFrom(node)
        for name in node.output:
            names[name] = f"{prefix}/{name}" if name else ""
        _rename(made, names)
        made.name = b.node.name
        b.nodes.append(made)
    return [str(names.get(value.name, value.name)) for value in inner.output]


def _rename(node: Any, names: Mapping[str, str]) -> None:
    """Renames what a node and its subgraphs read and what the node writes."""
    for list_of in (node.input, node.output):
        renamed = [names.get(name, name) for name in list_of]
        del list_of[:]
        list_of.extend(renamed)
    for attribute in node.attribute:
        own = {value.name for value in (*attribute.g.input, *attribute.g.initializer)}
        own |= {name for inner in attribute.g.node for name in inner.output}
        outer = {name: new for name, new in names.items() if name not in own}
        for inner in attribute.g.node:
            _rename(inner, outer)
