# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How a kernel is made: the Python side of `#fairway.kernel_config`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

__all__ = ["KernelConfig"]

_FIELD = re.compile(r"(\w+) = (\[[\d, ]*\]|\d+)(?:, |$)")


@dataclass(frozen=True)
class KernelConfig:
    """What tuning can vary of a kernel; what is None the cost models choose.

    Attributes:
        tile: What the loops of the kernel's last operation are divided into, outermost
            first; 0 leaves a loop whole, nothing at all leaves the kernel whole.
        rows: The most rows of results that are in registers while a sum runs.
        vectors: The most vectors side by side in such a row.
        piece: The most elements of a piece that long sums are cut into; 0 for whole sums.
        prefetch: How many panels of weights ahead the processor is asked to fetch.
    """

    tile: tuple[int, ...] | None = None
    rows: int | None = None
    vectors: int | None = None
    piece: int | None = None
    prefetch: int | None = None

    @staticmethod
    def parse(text: str) -> KernelConfig:
        """Reads what `str` gives, which is also what a plan's steps say.

        Raises:
            ValueError: It is something else.
        """
        known = {field.name for field in fields(KernelConfig)}
        values: dict[str, int | tuple[int, ...]] = {}
        position = 0
        while position < len(text):
            found = _FIELD.match(text, position)
            if not found or found[1] not in known or found[1] in values:
                raise ValueError(f"'{text}' is no configuration of a kernel")
            name, value = found[1], found[2]
            if (name == "tile") != value.startswith("["):
                raise ValueError(f"'{text}' is no configuration of a kernel")
            numbers = tuple(int(number) for number in re.findall(r"\d+", value))
            values[name] = numbers if name == "tile" else numbers[0]
            position = found.end()
        return KernelConfig(**values)  # pyright: ignore[reportArgumentType]

    def __str__(self) -> str:
        """The text of the attribute: `tile = [64, 3, 0], rows = 6`."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ", ".join(
            f"{name} = {list(value) if name == 'tile' else value}"
            for name, value in values
            if value is not None
        )
