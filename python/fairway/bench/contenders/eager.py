# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch without a compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairway.bench.contenders.base import Contender, Prepared, missing, torch_call

if TYPE_CHECKING:
    from fairway.bench.subject import Kind, Subject

__all__ = ["contender"]


def contender() -> Contender:
    """PyTorch, op by op."""
    return _Measured()


class _Measured:
    """The exported module, run op by op."""

    def obstacle(self, kind: Kind) -> str | None:
        if kind != "torch":
            return "runs only PyTorch models"
        return missing("torch", "torch")

    def version(self) -> str:
        import torch

        return f"PyTorch {torch.__version__}"

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        import torch

        torch.set_num_threads(threads)
        program = subject.program()
        return torch_call(program.module(), program, torch.inference_mode)
