# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tuning found out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fairway.tuning.config import KernelConfig
from fairway.tuning.measuring import Paired

__all__ = ["KernelResult", "Trial", "TuningResult"]


@dataclass(frozen=True)
class Trial:
    """One configuration of a kernel, measured.

    Attributes:
        config: The configuration.
        measured: All calls of the default (first) against those of the configuration.
    """

    config: KernelConfig
    measured: Paired


@dataclass(frozen=True)
class KernelResult:
    """One kernel.

    Attributes:
        name: Its name in the model's plan.
        id: What tells it from all kernels of all models.
        calls: How often a run calls it.
        trials: The configurations that were measured, in order.
        default: How the cost models make it.
        best: The configuration that was found faster; None if none was.
        measured: All calls of the default (first) against the best (second); of the default
            against itself where there is no best.
    """

    name: str
    id: str
    calls: int
    trials: tuple[Trial, ...]
    default: KernelConfig
    best: KernelConfig | None
    measured: Paired


@dataclass(frozen=True)
class TuningResult:
    """A tuning session.

    Attributes:
        threads: The threads that it is for.
        kernels: Every kernel of the model, the one that takes longest first.
        whole: Whole runs of the default (first) against the tuned model (second); None if
            no kernel was found faster, or the session was interrupted.
        kept: Whether the configurations are in the database now.
        interrupted: Whether the user stopped it early.
        rounds: How many builds were measured.
        seconds: How long it took.
    """

    threads: int
    kernels: tuple[KernelResult, ...]
    whole: Paired | None
    kept: bool
    interrupted: bool
    rounds: int
    seconds: float

    @property
    def winners(self) -> tuple[KernelResult, ...]:
        """The kernels that were found faster otherwise."""
        return tuple(kernel for kernel in self.kernels if kernel.best is not None)

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values; `fairway tune --json` prints it."""
        return {
            "threads": self.threads,
            "kept": self.kept,
            "interrupted": self.interrupted,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "whole": asdict(self.whole) if self.whole else None,
            "kernels": [
                {
                    "name": kernel.name,
                    "id": kernel.id,
                    "calls": kernel.calls,
                    "default": str(kernel.default),
                    "best": None if kernel.best is None else str(kernel.best),
                    "measured": asdict(kernel.measured),
                    "trials": [
                        {"config": str(trial.config), "measured": asdict(trial.measured)}
                        for trial in kernel.trials
                    ],
                }
                for kernel in self.kernels
            ],
        }
