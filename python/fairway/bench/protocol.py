# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the measuring process and its workers say to each other.

A request is a tuple of a method's name and its arguments; the answer is an `Answer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "StepTimes"]


@dataclass(frozen=True)
class Answer:
    """What a worker's method returned, or why it failed.

    Attributes:
        value: The result.
        error: The exception, if it is one of Fairway's; else its text.
    """

    value: Any = None
    error: Exception | str | None = None


@dataclass(frozen=True)
class StepTimes:
    """What a profile of Fairway saw of one step of the plan.

    Attributes:
        name: The kernel's name.
        tiles: Its units of parallel work.
        flops: Arithmetic operations.
        bytes: Bytes read and written.
        seconds: The median of its time over the runs.
    """

    name: str
    tiles: int
    flops: int
    bytes: int
    seconds: float
