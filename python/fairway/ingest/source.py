# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model that has been read and not yet lowered: all that a look into the cache needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from fairway.program import Program

__all__ = ["PlainSource", "Source"]


class Source(Protocol):
    """A model between reading and lowering."""

    @property
    def key(self) -> str | None:
        """Content address of all that decides `Program.module` and `Program.tree`.

        Two sources of one key have the same code, whatever values their parameters
        have. It is `None` where something takes part that has no address, which may be
        found out only while `program` runs.
        """
        ...

    def program(self, dump: Path | None = None) -> Program:
        """Lowers the model; called once.

        Args:
            dump: A folder for the model's IR on its way to the program.

        Raises:
            UnsupportedOp: It uses an operation that cannot be lowered.
            InvalidModel: It breaks a rule of its framework.
        """
        ...

    def array(self, name: str) -> Any:
        """The data of one parameter, as `Program.arrays` holds it."""
        ...


class PlainSource:
    """A source made of functions.

    Args:
        program: Lowers the model; gets the folder for dumps or None.
        key: Its content address.
        array: Gives the data of a parameter; needed only where there is a key.
    """

    def __init__(
        self,
        program: Callable[[Path | None], Program],
        key: str | None = None,
        array: Callable[[str], Any] | None = None,
    ) -> None:
        self.key = key
        self._program = program
        self._array = array

    def program(self, dump: Path | None = None) -> Program:
        """Lowers the model."""
        return self._program(dump)

    def array(self, name: str) -> Any:
        """The data of one parameter."""
        if self._array is None:
            raise KeyError(name)
        return self._array(name)
