# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From an `nn.Module` and example inputs to a decomposed `ExportedProgram`."""

from __future__ import annotations

import importlib
import re
import sysconfig
import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from fairway.errors import (
    Error,
    InvalidArgument,
    InvalidModel,
    MissingDependency,
    UnsupportedOp,
)
from fairway.ingest._quiet import quiet
from fairway.ingest.torch_decompositions import decomposition_table
from fairway.ingest.torch_retrace import retrace

__all__ = ["decompose", "export", "import_torch", "tracing_error"]

_LIBRARIES = ("/torch/", "/fairway/ingest/", "/fairway/torch_backend.py", "/torch_mlir/", "/sympy/")
_tracing = threading.Lock()  # Tracing changes global state of PyTorch and of the process.
_STANDARD = sysconfig.get_paths()["stdlib"]


def import_torch() -> Any:
    """Imports PyTorch.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(
            "compiling a PyTorch model needs PyTorch, which is not installed",
            hint="pip install torch",
        ) from error
    return torch


def export(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any], dynamic_shapes: Any) -> Any:
    """Traces a module with `torch.export`.

    Args:
        model: An `nn.Module`.
        args: Example positional arguments.
        kwargs: Example keyword arguments.
        dynamic_shapes: As `torch.export.export` takes it.

    Raises:
        InvalidModel: The model does not accept the inputs, or its control flow or its
            shapes depend on data.
    """
    torch = import_torch()
    try:
        with _tracing, torch.no_grad(), quiet(), _for_all_sizes():
            given_args, given_kwargs = _apart(torch, model, (tuple(args), dict(kwargs)))
            return torch.export.export(
                model,
                given_args,
                given_kwargs,
                dynamic_shapes=dynamic_shapes,
                strict=False,
            )
    except Exception as error:
        raise tracing_error(error) from error


def _for_all_sizes() -> Any:
    """Lets PyTorch itself not ask whether open sizes are 0 or 1, which ties a graph to others.

    What it asks only to save work, such as whether a part of a tensor lies in one piece,
    then has the answer that is right for all sizes.
    """
    settings: Any = importlib.import_module("torch.fx.experimental._config")
    return settings.patch(backed_size_oblivious=True)


def _apart(torch: Any, model: Any, examples: Any) -> Any:
    """Copies an example tensor that stands for several arguments, or is a parameter.

    `torch.export` takes what is one object while it traces for one value for ever: a
    graph traced with `(x, x)` would use its second argument for both.
    """
    seen = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}

    def distinct(tensor: Any) -> Any:
        if id(tensor) in seen:
            return tensor.detach().clone()
        seen.add(id(tensor))
        return tensor

    return torch.utils._pytree.tree_map_only(torch.Tensor, distinct, examples)


def decompose(program: Any) -> Any:
    """Rewrites an `ExportedProgram` to the operations that torch-mlir knows.

    Returns:
        An `ExportedProgram`, or a `Decomposed`, which has what ingest reads of one.
    """
    torch = import_torch()
    table = decomposition_table(torch)
    try:
        with _tracing, torch.no_grad(), quiet(), _for_all_sizes():
            return retrace(torch, program, table) or program.run_decompositions(table)
    except Exception as error:
        raise tracing_error(error) from error


def tracing_error(error: Exception) -> Error:
    """Says in the user's words why tracing failed.

    Args:
        error: What PyTorch raised.
    """
    kind, text = type(error).__name__, str(error)
    where = _user_line(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), kind)
    if "DataDependent" in kind or "data-dependent" in text or "Unbacked" in text:
        return InvalidModel(
            "the model's control flow or a tensor's shape depends on the values of tensors "
            f"({first})",
            where=where,
            hint="replace the Python branch by torch.where, and values taken with .item() or "
            "nonzero() by tensor operations",
        )
    if (
        "ConstraintViolation" in kind
        or "Constraints violated" in text
        or "dynamic_shapes" in text
        or "specializ" in text
    ):
        return InvalidArgument(
            f"the dimensions asked for in dims do not fit the model: {_violations(text)}",
            where=where,
            hint=_fixes(text)
            or "give ranges in which this holds, as fairway.Dim, or leave the dimensions fixed",
        )
    if isinstance(error, NotImplementedError) or kind in ("UnsupportedOperatorException",):
        return UnsupportedOp(f"the model cannot be traced: {first}", where=where)
    return InvalidModel(
        f"the model fails on the example inputs: {kind}: {first}",
        where=where,
        hint="call the model with the same inputs to see the failure without Fairway",
    )


def _user_line(error: BaseException | None) -> str | None:
    """Finds the innermost line of the user's code in a traceback, or below it."""
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        for frame in reversed(frames):
            if _is_users(frame.filename):
                return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
        error = error.__cause__ or error.__context__
    return None


def _is_users(filename: str) -> bool:
    if filename.startswith("<") or any(part in filename for part in _LIBRARIES):
        return False
    return "site-packages" in filename or not filename.startswith(_STANDARD)


_VIOLATED = re.compile(
    r"Not all values of (?P<name>\w+) = (?P<source>\S+) in the specified range satisfy the "
    r"generated guard (?P<guard>.*?)\.?$"
)
_FIX = re.compile(
    r"(?P<name>\w+) = (?:(?P<size>\d+)|Dim\('\w+'(?:, min=(?P<low>\d+))?(?:, max=(?P<high>\d+))?\))"
)


def _violations(text: str) -> str:
    """Picks the lines that name a dimension out of PyTorch's long message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [_plainly(line.removeprefix("- ")) for line in lines if line.startswith("- ")]
    return " ".join(named or lines[:1])


def _plainly(line: str) -> str:
    found = _VIOLATED.match(line)
    if found is None:
        return line
    guard = found["guard"].replace(found["source"], found["name"])
    guard = guard.replace(f" and {found['name']} <= IntInfinity()", "")
    return f"the model takes '{found['name']}' only where {guard}."


def _fixes(text: str) -> str | None:
    """Says in Fairway's words what PyTorch suggests."""
    _, _, suggested = text.partition("Suggested fixes:")
    fixes: list[str] = []
    for line in suggested.splitlines():
        found = _FIX.fullmatch(line.strip())
        if found is None:
            continue
        name, low, high = found["name"], found["low"] or "1", found["high"]
        fixes.append(
            f"leave '{name}' fixed"
            if found["size"]
            else f'give fairway.Dim("{name}", {low}{f", {high}" if high else ""})'
        )
    return ", and ".join(fixes) or None
