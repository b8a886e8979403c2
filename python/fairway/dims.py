# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How users say which sizes of a model stay open."""

from __future__ import annotations

from dataclasses import dataclass

from fairway.errors import InvalidArgument

__all__ = ["Dim"]


@dataclass(frozen=True)
class Dim:
    """A size that stays open until a call, and its range.

        fairway.compile(model, (x,), dims={"x": {0: "batch", 1: fairway.Dim("sequence", 1, 512)}})

    Attributes:
        name: What to call it; where it is used twice, both sizes are the same.
        min: The smallest size, 0 or more.
        max: The largest, itself included; `None` where there is no limit.

    Raises:
        InvalidArgument: It has no name, or the range holds no size.
    """

    name: str
    min: int = 1
    max: int | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidArgument("a dimension has no name", hint='write fairway.Dim("batch")')
        if self.min < 0 or (self.max is not None and self.max < max(self.min, 1)):
            raise InvalidArgument(
                f"the dimension '{self.name}' has the range {self.text()}, which holds no size",
                hint=f'write fairway.Dim("{self.name}", 1, 512) for all sizes from 1 to 512',
            )

    def text(self) -> str:
        """The range for people: `1 to 512`, `1 and more`."""
        return f"{self.min} and more" if self.max is None else f"{self.min} to {self.max}"
