# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lowers an ONNX model, at samples of its sizes where some stay open.

ONNX does not say for which sizes a graph is right: a `Slice` that ends at 512 keeps all of
a shorter tensor. So what is inferred of the graph at the samples is compared with what is
inferred near the ends of the ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairway.errors import Error, InvalidArgument, UnsupportedOp
from fairway.ingest.lowering import Lowered
from fairway.ingest.onnx_fold import small_constants, static_shapes
from fairway.ingest.onnx_open import OpenModel, prepare, program
from fairway.ingest.onnx_weights import Weight
from fairway.ingest.polynomials import find
from fairway.ingest.samples import Numbers, candidates, join
from fairway.program import Program, Size, TensorSpec

__all__ = ["lower_open"]

_FAR = (9973, 9941, 9929, 9907)
"""Sizes to look at where a range has no end: the arrays of graphs are still short there."""


def lower_open(
    opened: OpenModel, lower: Callable[[OpenModel, str], tuple[list[Weight], Lowered]]
) -> Program:
    """Prepares a model and lowers it.

    Args:
        opened: The model; changed in place where no size stays open.
        lower: Lowers a prepared model; gets the folder of this part in a dump.

    Raises:
        InvalidArgument: The graph computes something else for some sizes of a range.
        UnsupportedOp: A size is no polynomial of the open ones.
        Error: What preparing and lowering raise.
    """
    if not opened.open:
        prepare(opened)
        weights, lowered = lower(opened, "")
        return program(weights, lowered)
    prepared, numbers = _prepare_samples(opened)
    parts = [lower(model, f"sample-{index + 1}") for index, model in enumerate(prepared)]
    weights = parts[0][0]
    lowered = [part for _, part in parts]
    sizes = tuple(
        Size(each.dim.name, each.dim.min, each.dim.max, each.hint, samples)
        for each, samples in zip(opened.open, numbers, strict=True)
    )
    made = program(weights, lowered[0])
    return replace(
        made,
        module=join([part.module for part in lowered], sizes),
        inputs=tuple(
            _symbolic(specs, sizes)
            for specs in zip(*(part.arguments for part in lowered), strict=True)
            if specs[0].kind == "input"
        ),
        outputs=tuple(
            _symbolic(specs, sizes)
            for specs in zip(*(part.results for part in lowered), strict=True)
        ),
        sizes=sizes,
    )


def _prepare_samples(opened: OpenModel) -> tuple[list[OpenModel], list[Numbers]]:
    """Simplifies the model at samples of its sizes that are like all sizes of the ranges."""
    ranges = [(each.dim.name, each.dim.min, each.dim.max) for each in opened.open]
    failure: Error | None = None
    tried = candidates(ranges)
    while True:
        try:
            numbers = next(tried)
        except (StopIteration, InvalidArgument) as error:
            raise failure or error from None
        try:
            prepared = [_prepared(opened, values) for values in zip(*numbers, strict=True)]
            _compare(opened, prepared, numbers)
        except Error as error:
            failure = failure or error
        else:
            return prepared, numbers


def _prepared(opened: OpenModel, values: Sequence[int]) -> OpenModel:
    model = opened.at(values)
    prepare(model)
    return model


def _compare(opened: OpenModel, samples: Sequence[OpenModel], numbers: Sequence[Numbers]) -> None:
    """Makes sure that sizes and small constants follow the same formulas in the whole range."""
    at = tuple(zip(*numbers, strict=True))
    shapes = [static_shapes(model.source.proto.graph) for model in samples]
    constants = [small_constants(model.source.proto.graph) for model in samples]
    for corner in _corners(opened):
        try:
            graph = _prepared(opened, corner).source.proto.graph
        except Error as error:
            raise InvalidArgument(
                f"the model does not take {_named(opened, corner)}: {error.message}",
                where=error.where,
                hint="give the range that it takes, as fairway.Dim in dims",
            ) from error
        found_shapes, found_constants = static_shapes(graph), small_constants(graph)
        place = _Place(opened, samples[0], corner)
        for name, found in found_shapes.items():
            if all(name in known for known in shapes):
                each = [np.asarray(known[name], np.int64) for known in shapes]
                place.check(f"the shape of '{name}'", name, each, np.asarray(found, np.int64), at)
        for name, found in found_constants.items():
            if all(name in known for known in constants):
                each = [known[name] for known in constants]
                place.check(f"the constant '{name}'", name, each, found, at)


def _corners(opened: OpenModel) -> list[tuple[int, ...]]:
    """The smallest and the largest sizes, or such as are far from the samples."""
    far = [_FAR[index % len(_FAR)] for index in range(len(opened.open))]
    return [
        tuple(each.dim.min for each in opened.open),
        tuple(
            max(each.dim.min, end if each.dim.max is None else min(end, each.dim.max))
            for each, end in zip(opened.open, far, strict=True)
        ),
    ]


class _Place:
    """Certain sizes of a model, to compare with the samples."""

    def __init__(self, opened: OpenModel, sample: OpenModel, values: tuple[int, ...]) -> None:
        self._opened = opened
        self._sample = sample
        self._values = values

    def check(
        self,
        what: str,
        name: str,
        samples: Sequence[Any],
        found: Any,
        numbers: tuple[tuple[int, ...], ...],
    ) -> None:
        """Makes sure that an array has the values that the samples let expect."""
        if any(array.shape != samples[0].shape for array in samples):
            return  # the compiler compares them
        if found.shape != samples[0].shape:
            raise self._differs(what, name, f"has {found.size} numbers, not {samples[0].size}")
        for number, *values in zip(found.flat, *(array.flat for array in samples), strict=True):
            if all(value == values[0] for value in values):
                if number != values[0] and not (number != number and values[0] != values[0]):
                    raise self._differs(what, name, f"has {number} in it, not {values[0]}")
                continue
            if samples[0].dtype.kind not in "iu":
                continue  # the compiler finds out how it depends on the sizes
            formula = find(tuple(int(value) for value in values), numbers)
            if formula is None:
                raise UnsupportedOp(
                    f"{what} has a number in it that is no polynomial of the open sizes: it is "
                    f"{', '.join(map(str, values))} for {self._listed(numbers)}",
                    where=self._node(name),
                    hint="fix the sizes that it depends on, in dims",
                )
            if formula.at(self._values) != int(number):
                text = formula.text([each.dim.name for each in self._opened.open])
                raise self._differs(what, name, f"has {number} in it, not {text}")

    def _differs(self, what: str, name: str, how: str) -> InvalidArgument:
        return InvalidArgument(
            f"the model is another one for {_named(self._opened, self._values)}: {what} {how}",
            where=self._node(name),
            hint="give a range for which it is the same, as fairway.Dim in dims, or fix the size",
        )

    def _node(self, name: str) -> str | None:
        nodes = self._sample.source.proto.graph.node
        return next((f"node '{node.name}'" for node in nodes if name in node.output), None)

    def _listed(self, numbers: tuple[tuple[int, ...], ...]) -> str:
        return "; ".join(_named(self._opened, values) for values in numbers)


def _named(opened: OpenModel, values: Sequence[int]) -> str:
    return ", ".join(
        f"{each.dim.name}={value}" for each, value in zip(opened.open, values, strict=True)
    )


def _symbolic(specs: Sequence[TensorSpec], sizes: Sequence[Size]) -> TensorSpec:
    """Joins what a tensor is in each sample: its sizes as formulas."""
    numbers = tuple(zip(*(size.samples for size in sizes), strict=True))
    names = [size.name for size in sizes]
    shape: list[int | str] = []
    for values in zip(*(spec.shape for spec in specs), strict=True):
        if all(value == values[0] for value in values):
            shape.append(values[0])
            continue
        formula = find(tuple(int(value) for value in values), numbers)
        if formula is None:
            raise UnsupportedOp(
                f"'{specs[0].name}' has a size that is no polynomial of the open ones: it is "
                f"{', '.join(map(str, values))} for samples of {', '.join(names)}",
                hint="fix the sizes that it depends on, in dims",
            )
        shape.append(formula.text(names))
    return replace(specs[0], shape=tuple(shape))
