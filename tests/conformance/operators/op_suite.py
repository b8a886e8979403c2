# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch's database of operators as cases: an operator with samples of one dtype."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

# The cases that Fairway refuses, each with its cause; every other one must pass.
REFUSED = Path(__file__).with_name("refused.csv")
DTYPES = (torch.float32, torch.int64, torch.bool)


@dataclass(frozen=True)
class Case:
    """An operator and the dtype of its samples."""

    operator: Any
    dtype: torch.dtype

    @property
    def operation(self) -> str:
        """The operator's name in the database, with its variant."""
        variant = self.operator.variant_test_name
        return f"{self.operator.name}.{variant}" if variant else self.operator.name

    @property
    def kind(self) -> str:
        """The dtype's name."""
        return str(self.dtype).removeprefix("torch.")


@dataclass(frozen=True)
class Program:
    """An operator called with all its samples, as one function of their tensors."""

    function: Callable[..., Any]
    tensors: tuple[torch.Tensor, ...]


def _argsort(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    index = torch.argsort(x, *args, **kwargs)
    dim = kwargs.get("dim", args[0] if args else -1)
    return index if x.ndim == 0 else x.gather(dim, index)


def _mode(x: torch.Tensor, dim: int = -1, keepdim: bool = False) -> tuple[torch.Tensor, ...]:
    values, index = torch.mode(x, dim, True)
    found = index if x.ndim == 0 else x.gather(dim, index)
    return (values, found) if keepdim or x.ndim == 0 else (values.squeeze(dim), found.squeeze(dim))


def _kthvalue(
    x: torch.Tensor, k: int, dim: int = -1, keepdim: bool = False
) -> tuple[torch.Tensor, ...]:
    values, index = torch.kthvalue(x, k, dim, True)
    found = index if x.ndim == 0 else x.gather(dim, index)
    return (values, found) if keepdim or x.ndim == 0 else (values.squeeze(dim), found.squeeze(dim))


def _sort(x: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
    values, index = torch.sort(x, *args, **kwargs)
    if x.ndim == 0 or kwargs.get("stable"):
        return values, index
    return values, x.gather(kwargs.get("dim", args[0] if args else -1), index)


def _topk(x: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
    values, index = torch.topk(x, *args, **kwargs)
    return values, index if x.ndim == 0 else x.gather(args[1] if len(args) > 1 else -1, index)


# PyTorch does not say which of equal elements it names; what counts is the element.
_BY_VALUE: dict[str, Callable[..., Any]] = {
    "argsort": _argsort,
    "kthvalue": _kthvalue,
    "mode": _mode,
    "sort": _sort,
    "topk": _topk,
}


@functools.lru_cache(maxsize=1)
def cases() -> dict[str, Case]:
    """Returns every case by name."""
    found = (
        Case(operator, dtype)
        for operator in op_db
        for dtype in DTYPES
        if operator.supports_dtype(dtype, "cpu")
    )
    return {f"{case.operation}-{case.kind}": case for case in found}


def program(case: Case, dtype: torch.dtype | None = None) -> Program:
    """Draws the samples of a case.

    Args:
        case: The case.
        dtype: Another dtype for samples that are floats.
    """
    torch.manual_seed(0)
    samples = list(case.operator.sample_inputs("cpu", case.dtype, requires_grad=False))
    tensors: list[torch.Tensor] = []
    calls: list[tuple[list[Any], Any]] = []
    for sample in samples:
        leaves, structure = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        places: list[Any] = []
        for leaf in leaves:
            if not isinstance(leaf, torch.Tensor):
                places.append((None, leaf))
                continue
            if dtype is not None and leaf.is_floating_point():
                leaf = leaf.to(dtype)
            elif dtype is not None and isinstance(leaf, torch.dtype):
                leaf = dtype
            places.append((len(tensors), None))
            tensors.append(leaf)
        calls.append((places, structure))

    operator = _BY_VALUE.get(case.operator.name, case.operator.op)

    def function(*given: torch.Tensor) -> list[Any]:
        results = []
        for places, structure in calls:
            leaves = [value if number is None else given[number] for number, value in places]
            first, args, kwargs = pytree.tree_unflatten(leaves, structure)
            results.append(operator(first, *args, **kwargs))
        return results

    return Program(function, tuple(tensors))


def run(case: Case, backend: str) -> list[Any]:
    """Runs a case as one graph of a back end.

    Returns:
        The tensors and numbers that it gives, in order.
    """
    made = program(case)
    torch._dynamo.reset()
    compiled = torch.compile(made.function, backend=backend, fullgraph=True, dynamic=False)
    torch.manual_seed(0)
    with torch.no_grad():
        return pytree.tree_leaves(compiled(*(tensor.clone() for tensor in made.tensors)))


def expected(case: Case) -> list[Any]:
    """What PyTorch itself gives."""
    made = program(case)
    torch.manual_seed(0)
    with torch.no_grad():
        return pytree.tree_leaves(made.function(*(tensor.clone() for tensor in made.tensors)))


def exact(case: Case) -> list[Any] | None:
    """What PyTorch gives in float64; None where it cannot, or draws random numbers."""
    if case.dtype != torch.float32:
        return None
    made = program(case, torch.float64)
    torch.manual_seed(0)
    try:
        with torch.no_grad():
            return pytree.tree_leaves(made.function(*made.tensors))
    except (RuntimeError, TypeError, ValueError):
        return None


def differences(found: Sequence[Any], wanted: Sequence[Any], precise: Sequence[Any] | None) -> str:
    """Says how results differ; nothing if they do not.

    A result may differ from PyTorch's by more than its tests allow if its error, against the
    result in float64, is that of PyTorch's own result.
    """
    if len(found) != len(wanted):
        return f"{len(found)} results, not {len(wanted)}"
    for index, (got, want) in enumerate(zip(found, wanted, strict=True)):
        try:
            torch.testing.assert_close(got, want, equal_nan=True)
        except AssertionError as error:
            known = precise is not None and len(precise) == len(wanted)
            if not known or not _nearer(got, want, precise[index]):
                return f"result {index}: {error}"
    return ""


def _nearer(got: Any, want: Any, precise: Any) -> bool:
    """Whether a result is as near to the precise one as PyTorch's, within a factor of two.

    The root of the mean square is compared: the greatest of many errors is a matter of luck.
    """
    if not all(isinstance(t, torch.Tensor) for t in (got, want, precise)):
        return False
    if got.shape != precise.shape or got.dtype != want.dtype or not got.is_floating_point():
        return False
    finite = precise.isfinite()
    if not torch.equal(got.isfinite(), want.isfinite()):
        return False
    scale = precise[finite].abs().max().clamp(min=1e-30)
    own, eager = (
        (((result.double() - precise)[finite] / scale).square().mean().sqrt()).item()
        for result in (got, want)
    )
    return own <= 2 * max(eager, 2.0**-24)
