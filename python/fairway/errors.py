# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every exception that Fairway raises on purpose.

Each message has up to three parts: what went wrong, where in the user's model it
went wrong, and what to do about it. Catch `Error` to catch them all.
"""

from __future__ import annotations

__all__ = [
    "ArtifactError",
    "CacheError",
    "CompilationError",
    "DeviceError",
    "Error",
    "InvalidArgument",
    "InvalidModel",
    "MissingDependency",
    "TuningError",
    "UnsupportedOp",
    "WrongResult",
]


class Error(Exception):
    """Base of all Fairway errors.

    Args:
        message: What went wrong, one sentence.
        where: The place in the user's model: module path, source line, node or file.
        hint: What the user can do about it.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where, hint)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message]
        if self.where:
            lines.append(_indent("where", self.where))
        if self.hint:
            lines.append(_indent("hint", self.hint))
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__)


class UnsupportedOp(Error):
    """The model uses an operation that Fairway cannot compile yet.

    Args:
        operations: The framework's names of the operations, such as `aten.foo`.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        operations: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.operations = operations


class InvalidModel(Error):
    """The model cannot be read, or does not keep the rules that compilation needs."""


class InvalidArgument(Error, ValueError):
    """An argument of a Fairway function, or an input of a compiled model, does not fit."""


class ArtifactError(Error):
    """A compiled artefact is damaged, or was made for another CPU, target or version."""


class DeviceError(Error):
    """The device to run on is missing, out of memory, or failed."""


class CacheError(Error):
    """The cache of compiled code cannot be read or written."""


class TuningError(Error):
    """The database of tuning results cannot be read or written."""


class MissingDependency(Error, ImportError):
    """An optional package that this operation needs is not installed."""


class CompilationError(Error):
    """The compiler failed on a valid model: a defect in Fairway, worth a report."""


class WrongResult(CompilationError):
    """A compiled model does not compute what its framework does.

    Args:
        verdict: What is wrong, a `fairway.verification.Verdict`.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        verdict: object = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.verdict = verdict


def _indent(label: str, text: str) -> str:
    """Formats one labelled part; further lines of `text` align below the first."""
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"  {label}: {first}", *(" " * (len(label) + 4) + line for line in rest)])


def _rebuild(cls: type[Error], fields: dict[str, object]) -> Error:
    error = cls(str(fields["message"]))
    error.__dict__.update(fields)
    error.args = (error.message, error.where, error.hint)
    return error
