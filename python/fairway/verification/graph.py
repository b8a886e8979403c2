# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model as a row of operations that can be cut anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Operation", "Part", "Row"]


@dataclass(frozen=True)
class Operation:
    """One operation of the user's model.

    Attributes:
        name: The framework's name of it.
        where: The module path and the source line, or the node; None if nothing is known.
    """

    name: str
    where: str | None


@dataclass(frozen=True)
class Part:
    """The first operations of a model, as a model.

    Its outputs are what the rest of the model, or its caller, takes from them.

    Attributes:
        model: What `fairway.compile` takes.
        args: Its inputs by position.
        kwargs: Its inputs by name.
        results: What the framework computes for these inputs: once at each precision that
            could be had, in the order of the outputs.
    """

    model: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: Sequence[Sequence[NDArray[Any]]]


class Row(Protocol):
    """A model's operations in an order in which they can be computed."""

    @property
    def framework(self) -> str:
        """Who computes the results, in the user's words."""
        ...

    @property
    def operations(self) -> Sequence[Operation]:
        """Them all."""
        ...

    def results(self) -> Sequence[Sequence[NDArray[Any]]]:
        """What the framework computes as the whole model's outputs; see `Part.results`.

        Raises:
            Error: The framework cannot compute them.
        """
        ...

    def part(self, count: int) -> Part:
        """The first `count` operations.

        Raises:
            Error: The framework cannot compute them.
        """
        ...
