# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads torch-mlir's diagnostics and says them in the user's words."""

from __future__ import annotations

import re
import signal
from typing import Any

from fairway.errors import (
    CompilationError,
    Error,
    InvalidModel,
    MissingDependency,
    UnsupportedOp,
)

__all__ = ["crash_error", "describe_location", "failure_error"]

_ILLEGAL = re.compile(r"failed to legalize operation '([^']+)'")
_LEFT_OVER = re.compile(r"operation '([^']+)' is left over")
_OPERATOR = re.compile(r"torch\.operator\"?\(?[^\"]*\"([^\"]+)\"")
_OPERATOR_NAME = re.compile(r"name = \"((?:onnx|torch)\.[^\"]+)\"")
_NAME = re.compile(r'loc\("([^"]*)"(?:\(|\))')
_FRAME = re.compile(r'"([^"]+)":(\d+):\d+')
_FRAMEWORK_PATHS = ("/torch/", "/functorch/", "/torch_mlir/")


def failure_error(header: dict[str, Any], framework: str) -> Error:
    """Makes the error for a failure that the worker reported."""
    diagnostics: list[dict[str, Any]] = header["diagnostics"]
    if header["kind"] == "parse":
        first = diagnostics[0]
        return InvalidModel(
            f"the MLIR module cannot be read: {first['message']}",
            where=describe_location(first["location"]),
        )
    operations: dict[str, str | None] = {}
    for diagnostic in diagnostics:
        name = _operation(diagnostic, framework)
        if name is not None:
            operations.setdefault(name, describe_location(diagnostic["location"]))
    if operations:
        names = list(operations)
        listed = f" {_list(names)} is" if len(names) == 1 else f"s {_list(names)} are"
        what = f"the {_FRAMEWORKS.get(framework, framework)} operation{listed} not supported"
        return UnsupportedOp(
            what,
            where=next((place for place in operations.values() if place), None),
            hint="replace it by operations that are, or cut the model before it",
            operations=tuple(names),
        )
    last = diagnostics[-1]
    message = f"the model cannot be lowered while {header['stage']}: {last['message']}"
    cls = InvalidModel if header["kind"] == "contract" else UnsupportedOp
    places = [describe_location(d["location"]) for d in reversed(diagnostics)]
    return cls(message, where=next((place for place in places if place), None))


def crash_error(code: int, stage: str, log: str, framework: str) -> Error:
    """Makes the error for a worker that ended without an answer."""
    if "MissingDependency" in log:
        lines = [line for line in log.splitlines() if "MissingDependency" in line]
        return MissingDependency(lines[-1].partition("MissingDependency: ")[2])
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "")
    if code >= 0:
        return CompilationError(
            f"the importer's worker failed while {stage}: {last[:300]}",
            hint="this is a defect in Fairway; please report it",
        )
    try:
        how = f"by {signal.Signals(-code).name}"
    except ValueError:
        how = f"by signal {-code}"
    operation = re.search(r"\"?((?:torch\.)?(?:onnx|aten|prims)\.[A-Za-z_.0-9]+)", log)
    where = f"near {_framework_name(operation.group(1))}" if operation else None
    return InvalidModel(
        f"the importer ended {how} while {stage}" + (f": {last[:300]}" if last else ""),
        where=where,
        hint=f"an operation of this {framework} model is beyond the importer; "
        "compile parts of the model to find which",
    )


def describe_location(text: str) -> str | None:
    """Turns an MLIR location into `module path, file:line`.

    The innermost source line outside the framework is given, since that is where the
    model's author can act.
    """
    frames = [(file, int(line)) for file, line in _FRAME.findall(text) if file[:1] not in "-<"]
    in_text = re.search(r'"-":(\d+):(\d+)', text)
    if in_text:
        return f"line {in_text.group(1)}, column {in_text.group(2)}"
    own = [f for f in frames if not any(part in f[0] for part in _FRAMEWORK_PATHS)]
    name = _NAME.search(text)
    parts = [name.group(1)] if name and name.group(1) else []
    chosen = own[:1] or frames[:1]
    parts += [f"{file}:{line}" for file, line in chosen]
    return ", ".join(parts) or None


_ORIGINS = {
    "torch": re.compile(r'"((?:\w+)\.\w+(?:\.\w+)?)"\('),
    "onnx": re.compile(r'"[^"]* \((\w+)\)"'),
}
_FRAMEWORKS = {"torch": "PyTorch", "onnx": "ONNX", "mlir": "MLIR"}


def _operation(diagnostic: dict[str, Any], framework: str) -> str | None:
    """Finds the framework's name of the operation that a diagnostic is about."""
    message = diagnostic["message"]
    found = _ILLEGAL.search(message) or _LEFT_OVER.search(message)
    if found is None:
        return None
    name = found.group(1)
    origin = _ORIGINS[framework].search(diagnostic["location"]) if framework in _ORIGINS else None
    if origin:
        return f"onnx.{origin.group(1)}" if framework == "onnx" else origin.group(1)
    if name == "torch.operator":
        for note in (message, *diagnostic["notes"]):
            inner = _OPERATOR.search(note) or _OPERATOR_NAME.search(note)
            if inner:
                return _framework_name(inner.group(1))
    return _framework_name(name)


def _framework_name(name: str) -> str:
    """Drops the dialect: `torch.aten.foo` is the user's `aten.foo`."""
    return name.removeprefix("torch.") if re.match(r"torch\.(aten|prims|onnx)\.", name) else name


def _list(names: list[str]) -> str:
    shown = [f"'{name}'" for name in names[:5]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
