# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The one way in which `./dev` stops early."""

from __future__ import annotations


class Failure(Exception):
    """Something is missing or went wrong; says what, and what to do.

    Args:
        message: What happened.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        return f"{self.message}\n  what to do: " + self.hint.replace("\n", "\n    ")
