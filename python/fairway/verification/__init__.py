# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether a compiled model computes what its framework does, and where it does not.

Outputs that differ are followed back by bisection: the first operations of the model are
compiled as a model of their own, and what they hand to the rest is compared; the shortest
such part that is wrong ends with the operation to blame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairway.errors import Error, InvalidArgument, WrongResult
from fairway.tensors import as_array, leaves
from fairway.verification.accuracy import relative_error, tolerance
from fairway.verification.graph import Operation, Part, Row

if TYPE_CHECKING:
    from fairway.executable import Executable

__all__ = ["Difference", "Verdict", "compare", "row_of", "verify"]

Compile = Callable[[Any, "tuple[Any, ...]", Mapping[str, Any]], "Executable"]


@dataclass(frozen=True)
class Difference:
    """An output that is not what the framework computes.

    Attributes:
        output: Its name.
        error: The largest difference, over the largest value.
        allowed: The error up to which outputs count as equal.
    """

    output: str
    error: float
    allowed: float


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a compiled model.

    Attributes:
        difference: The worst of its outputs.
        operation: The first operation that is wrong; None if every part of the model,
            compiled alone, is right.
        kernel: The kernel that computes it where the model ends there, and how it is made.
    """

    difference: Difference
    operation: Operation | None = None
    kernel: str = ""


def verify(
    executable: Executable,
    model: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    compile_part: Compile,
    report: Callable[[str], None],
) -> None:
    """Compares a compiled model with its framework.

    Args:
        executable: The compiled model.
        model: What it was compiled from.
        args: Its inputs by position; an exported program's own examples where there are none.
        kwargs: Its inputs by name.
        compile_part: Compiles a part of the model in the same way.
        report: Called with the name of each stage as it begins.

    Raises:
        WrongResult: An output differs.
        InvalidArgument: There is nothing to compare it with.
    """
    report("comparing with the framework")
    examples: Any = getattr(model, "example_inputs", None)  # an exported program's
    if examples and not args and not kwargs:
        args, kwargs = examples
    row = row_of(model, args, kwargs)
    difference = compare(executable, executable(*args, **kwargs), row.results())
    if difference is None:
        return
    verdict = _bisect(row, difference, compile_part, report)
    raise _error(row, verdict)


def row_of(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Row:
    """A model as a row of operations.

    Raises:
        InvalidArgument: Its framework cannot compute it.
    """
    from fairway.ingest import onnx_importer, torch_importer

    if torch_importer.accepts(model):
        from fairway.verification.torch_row import TorchRow

        return TorchRow(model, args, kwargs)
    if onnx_importer.accepts(model):
        from fairway.verification.onnx_row import OnnxRow

        return OnnxRow(model, args, kwargs)
    raise InvalidArgument(
        f"there is nothing to compare a {type(model).__name__} with",
        hint="verify=True is for PyTorch and ONNX models",
    )


def compare(
    executable: Executable, outputs: Any, results: Sequence[Sequence[Any]]
) -> Difference | None:
    """Finds the output that is furthest from all that the framework gives.

    Where the framework itself loses more digits than are allowed (what it computes in the
    model's dtypes is further from float64), ten times its own error is allowed.

    Args:
        executable: What computed the outputs.
        outputs: They, in whatever containers.
        results: As `Part.results` has them.
    """
    found = [as_array(tensor) for tensor in leaves(outputs)]
    dtypes = [spec.dtype for spec in (*executable.inputs, *executable.outputs)]
    half = tolerance(dtypes)
    worst: Difference | None = None
    for index, array in enumerate(found):
        own, *exact = ([row[index]] for row in results)
        error = min(relative_error([array], wanted) for wanted in (own, *exact))
        lost = max((relative_error(own, wanted) for wanted in exact), default=0.0)
        allowed = 10 * lost if half < lost < math.inf else half
        if error > allowed and (worst is None or error > worst.error):
            worst = Difference(executable.outputs[index].name, error, allowed)
    return worst


def _bisect(
    row: Row, difference: Difference, compile_part: Compile, report: Callable[[str], None]
) -> Verdict:
    """Finds the shortest part that is wrong."""
    right, wrong = 0, len(row.operations) + 1
    verdict = Verdict(difference)
    tried = len(row.operations)  # first the whole, as a part: its outputs are in one row
    while wrong - right > 1:
        report(f"bisecting: the first {tried} of {len(row.operations)} operations")
        part = row.part(tried)
        found = _try(part, compile_part)
        if found is None:
            right = tried
            if tried == len(row.operations):
                return verdict
        else:
            wrong = tried
            part_difference, kernel = found
            operation = row.operations[tried - 1]
            verdict = Verdict(part_difference, operation, kernel)
        tried = (right + wrong) // 2
    return verdict


def _try(part: Part, compile_part: Compile) -> tuple[Difference, str] | None:
    """How a part is wrong; None if it is right, or cannot be compiled alone."""
    if not part.results[0]:
        return None
    try:
        executable = compile_part(part.model, part.args, part.kwargs)
    except Error:
        return None
    difference = compare(executable, executable(*part.args, **part.kwargs), part.results)
    if difference is None:
        return None
    return difference, _kernel(executable, difference.output)


def _kernel(executable: Executable, output: str) -> str:
    """The last kernel that writes an output, and how it is made."""
    for step in reversed(executable.plan().steps):
        if any(b.space == "output" and b.name == output and b.written for b in step.buffers):
            return f"{step.name} ({step.config})" if step.config else step.name
    return ""


def _error(row: Row, verdict: Verdict) -> WrongResult:
    difference = verdict.difference
    text = (
        f"the compiled model is wrong: '{difference.output}' differs from what {row.framework} "
        f"computes by {difference.error:.2g} of its largest value, more than "
        f"{difference.allowed:.2g}"
    )
    if verdict.operation is None:
        text += "; no part of the model is wrong when compiled alone"
    else:
        text += f"; the first operation that is wrong is {verdict.operation.name}"
        text += f", in the kernel {verdict.kernel}" if verdict.kernel else ""
    return WrongResult(
        text,
        where=verdict.operation.where if verdict.operation else None,
        hint="this is a defect of Fairway; a report with the model, and what dump=... writes, "
        "would help",
        verdict=verdict,
    )
