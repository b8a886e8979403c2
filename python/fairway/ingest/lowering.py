# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the lowering worker and turns its failures into errors about the user's model."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fairway.errors import InvalidModel
from fairway.ingest._wire import read_message, write_message
from fairway.ingest.diagnostics import crash_error, failure_error
from fairway.program import TensorSpec

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "ONNX_PIPELINES",
    "TORCH_PIPELINES",
    "TOSA_PIPELINES",
    "Lowered",
    "Worker",
    "ignore_progress",
]

Progress = Callable[[str], None]

# The worker searches modules exactly where this process does.
_START = "import sys; sys.path[:] = sys.argv[1:]; from fairway.ingest._worker import main; main()"

_LINALG = (
    "lowering to linalg",
    "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline{allow-non-finites=true})",
)
TORCH_PIPELINES = (
    (
        "simplifying torch operations",
        (
            "builtin.module(func.func(torch-match-quantized-custom-ops),"
            "torchdynamo-export-to-torch-backend-pipeline{extra-library=})"
        ),
    ),
    _LINALG,
)
ONNX_PIPELINES = (
    (
        "converting ONNX operations",
        "builtin.module(torch-onnx-to-torch-backend-pipeline)",
    ),
    _LINALG,
)
# What onnx-mlir leaves as TOSA; the order is upstream's own.
TOSA_PIPELINES = (
    (
        "lowering TOSA to linalg",
        "builtin.module(func.func(tosa-optional-decompositions,canonicalize,tosa-infer-shapes,"
        "tosa-make-broadcastable,tosa-to-linalg-named,canonicalize,tosa-make-broadcastable,"
        "tosa-to-linalg,tosa-to-arith{include-apply-rescale=true},tosa-to-tensor,tosa-to-scf,"
        "canonicalize,cse))",
    ),
)


def ignore_progress(stage: str) -> None:
    """Says nothing; stands in where the caller wants no progress."""
    del stage


@dataclass(frozen=True)
class Lowered:
    """The worker's answer.

    Attributes:
        module: MLIR text with locations.
        arguments: `@main`'s arguments, their sizes as lowering found them.
        results: Its results.
    """

    module: str
    arguments: tuple[TensorSpec, ...]
    results: tuple[TensorSpec, ...]


class Worker:
    """One worker process for one model; use it as a context manager.

    The process starts loading torch-mlir at once, while the caller still traces the
    model, and never outlives the `with` block.

    Args:
        timeout: Seconds that lowering may take.
        progress: Called with the title of each stage.
        dump: A folder for the module as it comes and after each pipeline.
    """

    def __init__(
        self,
        timeout: float = 900.0,
        progress: Progress | None = None,
        dump: Path | None = None,
    ) -> None:
        self._timeout = timeout
        self._progress = progress
        self._dump = dump
        self._stage = "starting"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        root = str(Path(__file__).resolve().parent.parent.parent)
        path = [entry for entry in sys.path if entry]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *path, *([] if root in path else [root])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()  # flushes what a dead worker did not take

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def lower(
        self,
        module: bytes,
        pipelines: Sequence[tuple[str, str]],
        arguments: Sequence[TensorSpec] | None = None,
        results: Sequence[TensorSpec] | None = None,
        framework: str = "torch",
        origin: str = "",
        part: str = "",
    ) -> Lowered:
        """Lowers a module and names its arguments; after an error it cannot be called again.

        Args:
            module: MLIR bytecode of the same torch-mlir, or MLIR text.
            pipelines: Titles and pass pipelines, run in order.
            arguments: The specs to attach to `@main`'s arguments, in its order.
            results: The specs to attach to its results.
            framework: How to name operations in errors.
            origin: `onnx-mlir` if that program wrote the text.
            part: Of which part of the program this is the module; a folder of the dump.

        Raises:
            UnsupportedOp: An operation cannot be lowered.
            InvalidModel: The worker crashed, hung, or could not read the module.
        """
        request: dict[str, Any] = {"pipelines": [list(pipeline) for pipeline in pipelines]}
        request["origin"] = origin
        request["dump"] = None if self._dump is None else str(self._dump / "import" / part)
        if arguments is not None:
            request["arguments"] = [spec.to_json() for spec in arguments]
        if results is not None:
            request["results"] = [spec.to_json() for spec in results]
        assert self._process.stdin
        late = threading.Event()
        timer = threading.Timer(self._timeout, lambda: (late.set(), self._process.kill()))
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it died early; reading finds out how
                write_message(self._process.stdin, request, module)
            answer = self._await_answer()
        finally:
            timer.cancel()
        if late.is_set():
            raise InvalidModel(
                f"the importer did not finish within {self._timeout:g} s while {self._stage}",
                hint="compile a smaller part of the model, to find what it waits for",
            )
        if answer is None:
            raise crash_error(self._process.wait(), self._stage, self._tail(), framework)
        header, body = answer
        if header["event"] == "failed":
            raise failure_error(header, framework)
        return Lowered(
            module=body.decode(),
            arguments=tuple(TensorSpec.from_json(spec) for spec in header["arguments"]),
            results=tuple(TensorSpec.from_json(spec) for spec in header["results"]),
        )

    def _await_answer(self) -> tuple[dict[str, Any], bytes] | None:
        assert self._process.stdout
        while (message := read_message(self._process.stdout)) is not None:
            if message[0]["event"] != "progress":
                return message
            self._stage = message[0]["stage"]
            if self._progress:
                self._progress(self._stage)
        return None

    def _tail(self) -> str:
        """Gives the end of what the worker wrote to its standard error."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 4000))
        return self._log.read().decode(errors="replace")
