# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch.compile with its own code generator."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from fairway.bench.contenders.base import Contender, Prepared, missing, torch_call

if TYPE_CHECKING:
    from fairway.bench.subject import Kind, Subject

__all__ = ["contender"]


def contender() -> Contender:
    """torch.compile."""
    return _Measured()


class _Measured:
    """The exported module through inductor, with its weights frozen into the code."""

    def obstacle(self, kind: Kind) -> str | None:
        if kind != "torch":
            return "runs only PyTorch models"
        if not any(map(shutil.which, ("g++", "c++", "clang++"))):
            return "needs a C++ compiler"
        return missing("torch", "torch")

    def version(self) -> str:
        import torch

        return f"torch.compile {torch.__version__}, frozen"

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        import torch
        import torch._inductor.config as config

        torch.set_num_threads(threads)
        config.freezing = True  # its fastest: weights are packed for oneDNN and MKL
        program = subject.program()
        return torch_call(torch.compile(program.module()), program, torch.no_grad)
