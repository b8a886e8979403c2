# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The MODEL argument that several subcommands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["is_factory", "model_and_arguments"]


def is_factory(model: str) -> bool:
    """Whether the text names a Python function rather than a file."""
    return ":" in model and not Path(model).exists()


def model_and_arguments(
    model: str, report: Callable[[str], None], batch: int | None = None
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The object to compile with its example arguments.

    Args:
        model: A path, or `package.module:function`.
        report: Called as the function begins its work.
        batch: What to call the function with; nothing by default.

    Raises:
        InvalidModel: There is no such function, or it returns something else.
    """
    if not is_factory(model):
        return model, (), {}
    from fairway.cli import factory

    report("building the model")
    return factory.build(model, () if batch is None else (batch,))
