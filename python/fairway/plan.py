# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a compiled model does when it runs, as data to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from fairway import _runtime

__all__ = ["Buffer", "Dimension", "Kernel", "Plan", "Step"]

Space = Literal["arena", "input", "output", "constant", "sizes"]


@dataclass(frozen=True)
class Kernel:
    """One generated function; equal parts of a model share it.

    Attributes:
        name: Its name, such as `conv2d_7`.
        calls: How many steps of the plan call it.
        flops: Arithmetic operations of all its calls together.
        bytes: Bytes read and written by all its calls together.
        config: How it was made; see `Step`.
    """

    name: str
    calls: int
    flops: int
    bytes: int
    config: str = ""


@dataclass(frozen=True)
class Buffer:
    """Memory that a kernel reads or writes.

    Attributes:
        space: Where it is: in the arena of intermediate tensors, a part of an input,
            output or constant (a weight), or the numbers that tell a kernel the sizes
            of a call.
        name: The name of the input, output or constant; empty in the arena.
        offset: Bytes from the start of the arena or tensor.
        nbytes: Its size in bytes.
        written: Whether the kernel writes it.
        lifetime: The first and the last step that uses this place for the same tensor;
            None outside the arena.
    """

    space: Space
    name: str
    offset: int
    nbytes: int
    written: bool
    lifetime: tuple[int, int] | None

    def __str__(self) -> str:
        if self.lifetime is None:
            return self.name + (f"+{self.offset}" if self.offset else "")
        first, last = self.lifetime
        return f"arena[{self.offset}:{self.offset + self.nbytes}]@{first}-{last}"


@dataclass(frozen=True)
class Dimension:
    """A dimension of a kernel's result and the part of it that one tile covers.

    Attributes:
        extent: Its length.
        tile: The length of a tile; `extent` if it is not divided.
    """

    extent: int
    tile: int

    def __str__(self) -> str:
        return f"{self.extent}/{self.tile}" if self.tile < self.extent else str(self.extent)


@dataclass(frozen=True)
class Step:
    """One call of a kernel.

    Worker w of n runs the tiles from `w * tiles // n` to `(w + 1) * tiles // n`. They are
    numbered with the last divided dimension fastest.

    Attributes:
        name: The kernel's name.
        tiles: Units of parallel work; 1 means that one worker does all of it.
        flops: Arithmetic operations.
        bytes: Bytes read and written.
        barrier: Whether all workers meet before it.
        dimensions: How the result is divided into tiles; empty if it is not.
        buffers: The kernel's arguments.
        config: How the kernel was made, `tile = [64, 3, 0], rows = 6, ...`; see
            docs/tuning.md. Empty if it has nothing of the kind.
    """

    name: str
    tiles: int
    flops: int
    bytes: int
    barrier: bool
    dimensions: tuple[Dimension, ...]
    buffers: tuple[Buffer, ...]
    config: str = ""

    @property
    def partition(self) -> str:
        """The result's extents, each divided one with the length of a tile: `112/4x112x64`."""
        return "x".join(str(dimension) for dimension in self.dimensions)


@dataclass(frozen=True)
class Plan:
    """The order of the kernels and the memory that a run needs.

    `str(plan)` is a table of the steps.

    Attributes:
        steps: The kernel calls in order.
        arena_bytes: Memory for intermediate tensors, shared by all workers.
        scratch_bytes: Private memory of each worker.
        sizes: The sizes that this is the plan for, if the model leaves some open.
    """

    steps: tuple[Step, ...]
    arena_bytes: int
    scratch_bytes: int
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])

    @staticmethod
    def of(binding: _runtime.Binding, model: _runtime.Model) -> Plan:
        """The run plan of a loaded model at the sizes of a binding."""
        names: dict[str, list[str]] = {
            "input": [info.name for info in model.inputs],
            "output": [info.name for info in model.outputs],
            "constant": [info.name for info, _ in model.constants_info],
            "arena": [""],
            "sizes": ["sizes"],
        }

        def buffer(info: _runtime.BufferInfo) -> Buffer:
            name = names[info.space][info.index]
            return Buffer(info.space, name, info.offset, info.nbytes, info.written, info.lifetime)

        steps = tuple(
            Step(
                info.name,
                info.tiles,
                info.flops,
                info.bytes,
                info.barrier,
                tuple(Dimension(*dimension) for dimension in info.dimensions),
                tuple(buffer(ref) for ref in info.buffers),
                info.config,
            )
            for info in binding.steps
        )
        sizes = dict(zip((name for name, _, _ in model.sizes), binding.sizes, strict=True))
        return Plan(steps, binding.arena_bytes, binding.scratch_bytes, sizes)

    @property
    def flops(self) -> int:
        """Arithmetic operations of one run."""
        return sum(step.flops for step in self.steps)

    @property
    def barriers(self) -> int:
        """How often the workers meet in one run."""
        return sum(step.barrier for step in self.steps)

    @property
    def live_bytes(self) -> int:
        """The most bytes of the arena that are in use at one time.

        No arrangement of the buffers can do with a smaller arena.
        """
        used: list[set[tuple[int, int]]] = [set() for _ in self.steps]
        for step in self.steps:
            for buffer in step.buffers:
                if buffer.lifetime is not None:
                    place = (buffer.offset, buffer.offset + buffer.nbytes)
                    for number in range(buffer.lifetime[0], buffer.lifetime[1] + 1):
                        used[number].add(place)
        return max((_union(places) for places in used), default=0)

    def kernels(self) -> tuple[Kernel, ...]:
        """The distinct kernels, in the order of their first call."""
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            groups.setdefault(step.name, []).append(step)
        return tuple(
            Kernel(
                name,
                len(steps),
                sum(s.flops for s in steps),
                sum(s.bytes for s in steps),
                steps[0].config,
            )
            for name, steps in groups.items()
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values; `fairway inspect --plan --json` prints it."""
        return {
            "sizes": dict(self.sizes),
            "arena_bytes": self.arena_bytes,
            "live_bytes": self.live_bytes,
            "scratch_bytes": self.scratch_bytes,
            "steps": [
                {
                    "kernel": step.name,
                    "barrier": step.barrier,
                    "tiles": step.tiles,
                    "flops": step.flops,
                    "bytes": step.bytes,
                    "dimensions": [[d.extent, d.tile] for d in step.dimensions],
                    "config": step.config,
                    "buffers": [
                        {
                            "space": buffer.space,
                            "name": buffer.name,
                            "offset": buffer.offset,
                            "bytes": buffer.nbytes,
                            "written": buffer.written,
                            "lifetime": buffer.lifetime,
                        }
                        for buffer in step.buffers
                    ],
                }
                for step in self.steps
            ],
        }

    def __str__(self) -> str:
        summary = (
            f"{len(self.steps)} steps, {self.barriers} barriers, "
            f"{self.flops / 1e9:.3f} GFLOP, arena {self.arena_bytes:,} bytes "
            f"({self.live_bytes:,} in use at once), scratch {self.scratch_bytes:,} bytes a worker"
        )
        if self.sizes:
            given = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
            summary = f"with {given}: {summary}"
        rows = [("step", "kernel", "MFLOP", "kB", "tiles", "result/tile", "reads -> writes")]
        for number, step in enumerate(self.steps):
            rows.append(
                (
                    f"{'|' if step.barrier else ' '}{number}",
                    step.name,
                    f"{step.flops / 1e6:.3f}",
                    f"{step.bytes / 1e3:.1f}",
                    str(step.tiles),
                    step.partition,
                    _transfer(step.buffers),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        left_aligned = (1, 5, 6)
        lines = [
            "  ".join(
                cell.ljust(width) if column in left_aligned else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([summary, *lines, "| all workers meet before this step"])


def _union(places: set[tuple[int, int]]) -> int:
    """How many bytes at least one of the ranges covers."""
    total, end = 0, 0
    for start, stop in sorted(places):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def _transfer(buffers: tuple[Buffer, ...]) -> str:
    reads = ", ".join(str(buffer) for buffer in buffers if not buffer.written)
    writes = ", ".join(str(buffer) for buffer in buffers if buffer.written)
    return f"{reads} -> {writes}"
