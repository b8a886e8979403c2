# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The other ONNX importer, by onnx-mlir: chosen with `importer="onnx-mlir"`.

It reads models as the default importer does. Then onnx-mlir's programs convert the graph to
TOSA, and the lowering worker takes that to linalg. Weights are inputs of the graph by then, so
they are in no text.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairway.ingest.lowering import TOSA_PIPELINES, Lowered, Progress, Worker, ignore_progress
from fairway.ingest.onnx_importer import accepts
from fairway.ingest.onnx_mlir_programs import Programs, find_programs
from fairway.ingest.onnx_open import (
    OpenModel,
    arguments,
    open_model,
    results,
    used_weights,
)
from fairway.ingest.onnx_samples import lower_open
from fairway.ingest.onnx_weights import Weight
from fairway.ingest.source import PlainSource
from fairway.program import Program

__all__ = ["accepts", "begin", "load"]


def begin(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> PlainSource:
    """Reads an ONNX model and moves its weights out; takes and raises what `load` does."""
    programs = find_programs()
    opened = open_model(model, args, kwargs, dims, progress)
    key = hashlib.sha256(f"onnx-mlir {programs.identity()} {opened.key}".encode()).hexdigest()
    return PlainSource(
        lambda dump: _lower(opened, programs, progress, dump), key, opened.arrays().__getitem__
    )


def load(
    model: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    dims: Any = None,
    progress: Progress | None = None,
) -> Program:
    """Imports an ONNX model through onnx-mlir.

    Args:
        model: Path, bytes or `ModelProto`.
        args: Example inputs by position; they fix open dimensions.
        kwargs: Example inputs by name.
        dims: What is fixed and what stays open, as the default importer takes it.
        progress: Called with the title of each stage.

    Raises:
        InvalidModel: The model is damaged, or onnx-mlir crashes or does not finish.
        UnsupportedOp: onnx-mlir has no conversion to TOSA for an operation.
        InvalidArgument: The examples or `dims` do not fit the model.
        MissingDependency: onnx-mlir's programs are not there.
    """
    return begin(model, args, kwargs, dims, progress).program()


def _lower(
    opened: OpenModel, programs: Programs, progress: Progress | None, dump: Path | None
) -> Program:
    def lower(prepared: OpenModel, part: str) -> tuple[list[Weight], Lowered]:
        proto = prepared.source.proto
        weights = used_weights(proto, prepared.weights)
        folder_for_dump = None if dump is None else dump / part
        # The worker loads torch-mlir while onnx-mlir runs.
        with (
            Worker(progress=progress, dump=folder_for_dump) as worker,
            tempfile.TemporaryDirectory() as folder,
        ):
            file = Path(folder, "model.onnx")
            file.write_bytes(proto.SerializeToString())
            text = programs.to_tosa(file, progress or ignore_progress)
            taken, given = arguments(proto.graph, weights), results(proto.graph)
            return weights, worker.lower(
                text, TOSA_PIPELINES, taken, given, "onnx", origin="onnx-mlir"
            )

    return lower_open(opened, lower)
