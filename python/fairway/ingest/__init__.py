# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ingest: models from any framework become a `Program`.

Frameworks are imported when a model of theirs is loaded, never before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway.program import Program

if TYPE_CHECKING:
    from fairway.ingest.source import Source

__all__ = ["begin", "importers", "load", "torch_mlir_folder"]


def begin(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    *,
    importer: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Source:
    """Reads a model, as far as is needed to tell whether its code is there already.

    Takes and raises what `load` does.
    """
    from fairway.ingest.registry import find
    from fairway.ingest.source import PlainSource

    chosen = find(model, importer)
    given = (model, tuple(args), dict(kwargs or {}), dims, progress)
    start = getattr(chosen, "begin", None)
    return start(*given) if start else PlainSource(lambda dump: chosen.load(*given))


def load(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    *,
    importer: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Program:
    """Turns a model into a `Program`.

    Args:
        model: An `nn.Module`, an `ExportedProgram`, an ONNX `ModelProto`, its bytes, or
            the path of an `.onnx` or `.mlir` file.
        args: Example inputs by position. PyTorch modules are traced with them; they fix
            the symbolic dimensions of ONNX models.
        kwargs: Example inputs by name.
        dims: Dimensions that stay symbolic, by input and axis: `{"x": {0: "batch"}}`.
        importer: The importer's name; by default the first that takes the model.
        progress: Called with the title of each stage as it begins.

    Raises:
        InvalidModel: The model cannot be read or traced.
        UnsupportedOp: It uses an operation that cannot be lowered.
        InvalidArgument: Examples or `dims` do not fit the model.
        MissingDependency: The model's framework is not installed.
    """
    return begin(model, args, kwargs, dims, importer=importer, progress=progress).program()


def importers() -> tuple[str, ...]:
    """Names the importers that are there."""
    from fairway.ingest.registry import importers as names

    return names()


def torch_mlir_folder() -> Path | None:
    """Where torch-mlir is, without loading it; `None` if it is nowhere."""
    from fairway.ingest._torch_mlir import folder

    return folder()
