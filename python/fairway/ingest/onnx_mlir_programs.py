# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds and runs onnx-mlir's two programs, which know no more of Fairway than a shell does."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairway.errors import InvalidModel, MissingDependency
from fairway.ingest.diagnostics import crash_error, failure_error
from fairway.ingest.lowering import Progress

__all__ = ["VARIABLE", "Programs", "find_programs"]

VARIABLE = "FAIRWAY_ONNX_MLIR"
"""Names the folder of the two programs, before the package's own and `PATH`."""
_VENDOR = Path(__file__).resolve().parent.parent / "_vendor" / "onnx_mlir" / "bin"
_NAMES = ("onnx-mlir", "onnx-mlir-opt")
# `loc("node"(...)): error: text`, or `file.mlir:3:4: error: text`
_ERROR = re.compile(r"^(?P<place>.*?): error: (?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Programs:
    """onnx-mlir as it was found.

    Attributes:
        importer: `onnx-mlir`, which reads an ONNX file.
        optimizer: `onnx-mlir-opt`, which runs passes.
        timeout: Seconds that each of them may take.
    """

    importer: Path
    optimizer: Path
    timeout: float = 900.0

    def identity(self) -> str:
        """Another text for every build of the programs.

        It is told by size and time, because their bytes are hundreds of megabytes.
        """
        marks = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in self._both]
        return hashlib.sha256(repr(marks).encode()).hexdigest()

    @property
    def _both(self) -> tuple[Path, Path]:
        return self.importer, self.optimizer

    def to_tosa(self, model: Path, progress: Progress) -> bytes:
        """Turns an ONNX file into MLIR text in generic form, in TOSA as far as that goes.

        Args:
            model: The file, named `NAME.onnx`; other files are written beside it.
            progress: Called with the title of each stage.

        Raises:
            UnsupportedOp: An operation cannot be converted.
            InvalidModel: A program crashed or took too long.
        """
        base = model.with_suffix("")
        # The name without an ending: onnx-mlir adds `.onnx.mlir` to it.
        self._run(
            [self.importer, "--EmitONNXIR", model, "-o", base], "importing with onnx-mlir", progress
        )
        text = base.with_name(base.name + ".tosa.mlir")
        # Generic form, so that whoever reads it need not know ONNX's dialect.
        passes = ["--standard-func-return", "--convert-onnx-to-tosa", "--mlir-print-op-generic"]
        given = base.with_name(base.name + ".onnx.mlir")
        self._run([self.optimizer, *passes, given, "-o", text], "converting ONNX to TOSA", progress)
        return text.read_bytes()

    def _run(self, command: list[str | Path], stage: str, progress: Progress) -> None:
        progress(stage)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.timeout,
            )
        except subprocess.TimeoutExpired:
            raise InvalidModel(
                f"onnx-mlir did not finish within {self.timeout:g} s while {stage}",
                hint="compile a smaller part of the model, or use importer='onnx'",
            ) from None
        except OSError as error:
            raise MissingDependency(
                f"'{command[0]}' cannot be run: {error.strerror}", hint=_HINT
            ) from error
        output = done.stderr or done.stdout
        found: list[dict[str, Any]] = [
            {"message": match["text"], "location": match["place"], "notes": []}
            for match in _ERROR.finditer(output)
        ]
        if done.returncode > 0 and found:
            raise failure_error({"kind": "lower", "stage": stage, "diagnostics": found}, "onnx")
        if done.returncode:
            raise crash_error(done.returncode, stage, output, "onnx")


_HINT = (
    "build Fairway with -C cmake.define.FAIRWAY_ONNX_MLIR=ON, or set "
    f"{VARIABLE} to the folder that holds onnx-mlir and onnx-mlir-opt; "
    "importer='onnx' needs neither"
)


def find_programs() -> Programs:
    """Finds the programs: in `FAIRWAY_ONNX_MLIR`, in Fairway's package, on `PATH`.

    Raises:
        MissingDependency: They are in none of these places, or not in the one that was named.
    """
    named = os.environ.get(VARIABLE)
    places = [named] if named else [str(_VENDOR), os.environ.get("PATH", os.defpath)]
    for place in places:
        importer, optimizer = (shutil.which(name, path=place) for name in _NAMES)
        if importer and optimizer:
            return Programs(Path(importer), Path(optimizer))
    where = f"not in {VARIABLE}={named}" if named else "neither in Fairway's package nor on PATH"
    raise MissingDependency(
        f"the importer 'onnx-mlir' needs the programs {' and '.join(_NAMES)}, which are {where}",
        hint=_HINT,
    )
