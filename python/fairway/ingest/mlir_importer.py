# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The MLIR importer: a module that already speaks the waist's dialects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairway.errors import InvalidArgument, InvalidModel
from fairway.ingest._paths import path_of
from fairway.ingest.lowering import Progress, Worker
from fairway.ingest.source import PlainSource
from fairway.program import InputOutputTree, Program
from fairway.tree import Tree

__all__ = ["accepts", "begin", "load"]


def accepts(model: Any) -> bool:
    """Whether `model` is a path to an `.mlir` file, or MLIR text with a function."""
    if isinstance(model, str) and _is_text(model):
        return True
    path = path_of(model)
    return path is not None and path.lower().endswith(".mlir")


def begin(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> PlainSource:
    """Reads an MLIR module; takes and raises what `load` does.

    Its key is the text, source locations included.
    """
    del args, kwargs
    if dims:
        raise InvalidArgument(
            "dims cannot be given for an MLIR module",
            hint="write the sizes into its types instead",
        )
    path = path_of(model)
    if path is None:
        raise InvalidModel(f"an object of type {type(model).__name__} is no MLIR module")
    text = path if _is_text(path) else _read(Path(path))
    key = hashlib.sha256(b"mlir\n" + text.encode()).hexdigest()
    return PlainSource(lambda dump: _program(text, progress, dump), key)


def load(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> Program:
    """Imports an MLIR module with one entry `@main`.

    Arguments with `fairway.*` attributes keep them; others become inputs named `arg0`,
    `arg1`, ... Parameters have no data here, so `Program.arrays` is empty.

    Args:
        model: A path or the text.
        args: Not used: the types are in the text.
        kwargs: Not used.
        dims: Must be empty.
        progress: Called with the title of each stage.

    Raises:
        InvalidModel: The text cannot be parsed or has no entry, or a size of its arguments
            is not fixed.
        UnsupportedOp: It uses dialects that may not cross the waist.
    """
    return begin(model, args, kwargs, dims, progress).program()


def _program(text: str, progress: Progress | None, dump: Path | None) -> Program:
    with Worker(progress=progress, dump=dump) as worker:
        lowered = worker.lower(text.encode(), (), framework="mlir")
    for spec in lowered.arguments:
        if not spec.is_static:
            raise InvalidModel(
                f"the {spec.kind} '{spec.name}' has a size that is not fixed",
                hint="write a number in place of '?' in its type",
            )
    inputs = tuple(spec for spec in lowered.arguments if spec.kind == "input")
    leaf = Tree("tensor")
    count = len(lowered.results)
    return Program(
        module=lowered.module,
        inputs=inputs,
        parameters=tuple(spec for spec in lowered.arguments if spec.kind != "input"),
        outputs=lowered.results,
        arrays={},
        tree=InputOutputTree(
            args=Tree("tuple", (leaf,) * len(inputs)),
            kwargs=Tree("dict"),
            outputs=leaf if count == 1 else Tree("tuple", (leaf,) * count),
            names=tuple(spec.name for spec in inputs),
        ),
        framework="mlir",
    )


def _is_text(model: str) -> bool:
    return "func.func" in model or "\n" in model


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise InvalidModel(
            f"there is no file '{path}'", hint="give the path of an .mlir file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidModel(f"'{path}' cannot be read as text: {error}") from error
