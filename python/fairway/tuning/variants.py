# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which configurations of a kernel are worth measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fairway.compiler import KernelVariants
from fairway.tuning.config import KernelConfig

__all__ = ["Candidates", "tile_candidates"]

# What the compiler takes (include/fairway/Kernel/Config.td).
_MAX_ROWS, _MAX_VECTORS = 32, 8


@dataclass
class Candidates:
    """What is still to be tried with one kernel, and the best so far.

    First come tilings, then other ways to run the loops within the best of them.

    Attributes:
        kernel: The kernel.
        default: How the cost models make it.
        best: What won so far; None if that is the default.
        pending: What to try next, first things first.
    """

    kernel: KernelVariants
    default: KernelConfig
    best: KernelConfig | None = None
    pending: list[KernelConfig] = field(default_factory=list[KernelConfig])

    @staticmethod
    def of(kernel: KernelVariants) -> Candidates:
        """The tilings to try with a kernel."""
        default = KernelConfig.parse(kernel.config)
        return Candidates(kernel, default, pending=tile_candidates(default, kernel.tiles))

    def add_loops(self, count: int) -> None:
        """Goes on with other loops in the tiles that are the best so far."""
        tile = self.best.tile if self.best else None
        self.pending = [replace(found, tile=tile) for found in _loop_candidates(self.default)]
        del self.pending[count:]


def tile_candidates(default: KernelConfig, tiles: Sequence[tuple[int, ...]]) -> list[KernelConfig]:
    """The tilings beside the default's own."""
    return [KernelConfig(tile=tile) for tile in tiles if tile != default.tile]


def _loop_candidates(default: KernelConfig) -> list[KernelConfig]:
    """Changes of one decision each, those that matter most often first."""
    found: list[KernelConfig] = []
    if default.piece:
        found += [KernelConfig(piece=piece) for piece in (default.piece * 2, 0)]
    if default.prefetch is not None:
        found += [KernelConfig(prefetch=panels) for panels in (0, 2) if panels != default.prefetch]
    rows, vectors = default.rows, default.vectors
    if rows is not None and vectors is not None:
        if vectors > 1:
            found.append(KernelConfig(rows=min(rows * 2, _MAX_ROWS), vectors=vectors // 2))
        if rows > 2:
            found.append(KernelConfig(rows=rows - 1))
        if vectors * 2 <= _MAX_VECTORS:
            found.append(KernelConfig(rows=max(rows // 2, 1), vectors=vectors * 2))
        if rows > 4:
            found.append(KernelConfig(rows=rows - 2))
    elif vectors is not None:
        found += [
            KernelConfig(vectors=count)
            for count in (vectors * 2, vectors // 2)
            if 1 <= count <= _MAX_VECTORS
        ]
    if default.piece:
        found.append(KernelConfig(piece=max(default.piece // 2, 1)))
    return found
