# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exit codes of the command line; scripts may rely on them."""

from __future__ import annotations

from enum import IntEnum

from fairway import errors

__all__ = ["ExitCode", "exit_code"]


class ExitCode(IntEnum):
    """What the process's status says."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INVALID_MODEL = 3
    UNSUPPORTED_OP = 4
    ARTEFACT = 5
    INVALID_INPUT = 6
    MISSING_DEPENDENCY = 7
    DEVICE = 8
    CACHE = 9


_CODES: dict[type[errors.Error], ExitCode] = {
    errors.InvalidModel: ExitCode.INVALID_MODEL,
    errors.UnsupportedOp: ExitCode.UNSUPPORTED_OP,
    errors.ArtifactError: ExitCode.ARTEFACT,
    errors.InvalidArgument: ExitCode.INVALID_INPUT,
    errors.MissingDependency: ExitCode.MISSING_DEPENDENCY,
    errors.DeviceError: ExitCode.DEVICE,
    errors.CacheError: ExitCode.CACHE,
    errors.TuningError: ExitCode.CACHE,
    errors.CompilationError: ExitCode.INTERNAL,
}


def exit_code(error: BaseException) -> ExitCode:
    """The exit code for an exception."""
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    return ExitCode.INTERNAL
