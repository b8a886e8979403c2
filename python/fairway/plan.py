# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a compiled model does when it runs, as data to look at."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Kernel", "Plan", "Step"]


@dataclass(frozen=True)
class Kernel:
    """One generated function; equal parts of a model share it.

    Attributes:
        name: Its name, such as `conv2d_7`.
        calls: How many steps of the plan call it.
        flops: Arithmetic operations of all its calls together.
        bytes: Bytes read and written by all its calls together.
    """

    name: str
    calls: int
    flops: int
    bytes: int


@dataclass(frozen=True)
class Step:
    """One call of a kernel.

    Attributes:
        name: The kernel's name.
        tiles: Units of parallel work; 1 means that one worker does all of it.
        flops: Arithmetic operations.
        bytes: Bytes read and written.
    """

    name: str
    tiles: int
    flops: int
    bytes: int


@dataclass(frozen=True)
class Plan:
    """The order of the kernels and the memory that a run needs.

    Attributes:
        steps: The kernel calls in order.
        arena_bytes: Memory for intermediate tensors, shared by all workers.
        scratch_bytes: Private memory of each worker.
    """

    steps: tuple[Step, ...]
    arena_bytes: int
    scratch_bytes: int

    @property
    def flops(self) -> int:
        """Arithmetic operations of one run."""
        return sum(step.flops for step in self.steps)

    def kernels(self) -> tuple[Kernel, ...]:
        """The distinct kernels, in the order of their first call."""
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            groups.setdefault(step.name, []).append(step)
        return tuple(
            Kernel(name, len(steps), sum(s.flops for s in steps), sum(s.bytes for s in steps))
            for name, steps in groups.items()
        )

    def __str__(self) -> str:
        lines = [f"{len(self.steps)} steps, arena {self.arena_bytes:,} bytes"]
        lines += [f"  {i:4d}  {s.name}  ({s.tiles} tiles)" for i, s in enumerate(self.steps)]
        return "\n".join(lines)
