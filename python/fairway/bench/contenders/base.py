# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a contender is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fairway.tensors import as_array, leaves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fairway.bench.subject import Kind, Subject

__all__ = ["Contender", "Prepared", "missing", "torch_call"]


@dataclass(frozen=True)
class Prepared:
    """A model that is ready to run in this process.

    Attributes:
        call: Runs it once, from the user's inputs to outputs that the user can read.
        outputs: Turns what `call` returned into flat arrays; not measured.
    """

    call: Callable[[], Any]
    outputs: Callable[[Any], list[NDArray[Any]]]


class Contender(Protocol):
    """A way to run a model."""

    def obstacle(self, kind: Kind) -> str | None:
        """Why it cannot run such a model here, in a few words; None if it can."""
        ...

    def version(self) -> str:
        """What runs, with its version."""
        ...

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        """Compiles or loads the model in this process, in the contender's best configuration.

        May raise anything; the message becomes the reason in the table.
        """
        ...


def torch_call(
    module: Any, program: Any, mode: Callable[[], AbstractContextManager[Any]]
) -> Prepared:
    """A PyTorch module on the example inputs of the exported program that it comes from.

    Args:
        module: What to call.
        program: The `ExportedProgram`.
        mode: What turns gradients off during a call.
    """
    args, kwargs = program.example_inputs

    def call() -> object:
        with mode():
            return module(*args, **kwargs)

    return Prepared(call, lambda result: [as_array(t) for t in leaves(result)])


def missing(module: str, package: str) -> str | None:
    """Says that a package is not installed; None if it is."""
    try:
        found = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    return None if found else f"not installed (pip install {package})"
