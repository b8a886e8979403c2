# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway.tune`: search better configurations of a model's kernels, and keep them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway import driver, targets
from fairway.errors import InvalidArgument
from fairway.executable import Metadata, check_threads, default_threads
from fairway.program import Program, TensorSpec
from fairway.tensors import draw
from fairway.tuning.database import Database, Record, scope_of
from fairway.tuning.result import TuningResult
from fairway.tuning.session import Session, Settings
from fairway.tuning.workshop import Workshop

if TYPE_CHECKING:
    from fairway.compiler import KernelVariants

__all__ = ["tune"]


def tune(
    model: Any,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    target: str = "cpu",
    dims: Mapping[str, int] | None = None,
    threads: int | None = None,
    cpu: str = "host",
    features: str | None = None,
    machine: Mapping[str, float] | None = None,
    tuning: Database | None = None,
    settings: Settings | None = None,
    progress: Callable[[str], None] | None = None,
    importer: str | None = None,
) -> TuningResult:
    """Measures other ways to make a model's kernels and keeps what is faster.

    `fairway.compile` with the same machine and as many threads uses it from then on, for
    every model with such a kernel. Run it on an idle machine.

    Args:
        model: What `fairway.compile` takes.
        args: Example arguments, likewise; a torch module is measured with them, other models
            with random values.
        kwargs: Example keyword arguments.
        target: The name of a target.
        dims: Sizes of symbolic dimensions.
        threads: How many threads to tune for; by default one for each usable core.
        cpu: The processor to compile for, as for `fairway.compile`; it must be able to run
            here.
        features: Further processor features.
        machine: Properties of the processor to correct.
        tuning: The database to keep winners in; the user's by default.
        settings: How long and how to measure.
        progress: Called with a few words at each step.
        importer: The name of the importer to use.

    Returns:
        What was measured. Ctrl-C (`KeyboardInterrupt`) ends the search early and keeps what
        has won so far; it is not raised once the search has begun.

    Raises:
        InvalidArgument: The target has nothing to tune, or an argument does not fit.
        TuningError: The database cannot be written.
        fairway.Error: What `fairway.compile` raises.
    """
    report = progress or (lambda _: None)
    chosen = targets.get(target)
    if not isinstance(chosen, targets.Tunable):
        raise InvalidArgument(
            f"the target '{target}' makes each kernel in one way only",
            hint="tune for the target 'cpu'",
        )
    database = tuning or Database.default()
    database.check()
    count = default_threads() if threads is None else check_threads(threads)
    described = chosen.machine(cpu, features, machine)
    source = driver.read(model, args, kwargs, dims=dims, importer=importer, report=report)
    program = driver.lower(source)

    from fairway import __version__

    metadata = Metadata(program.framework, program.tree).to_json()
    request = targets.Request(described, count, __version__, metadata)
    wanted = settings or Settings()
    kernels = tuple(chosen.variants(program.module, request, wanted.variants + 1, report))
    with tempfile.TemporaryDirectory(prefix="fairway-", ignore_cleanup_errors=True) as folder:
        session = Session(
            Workshop(program, request, chosen, Path(folder)),
            kernels,
            database.configs(target, request),
            lambda specs: _inputs(program, args, kwargs, specs),
            count,
            wanted,
            report,
        )
        result = session.run()
    _keep(database, scope_of(target, request), described.cpu, _name_of(model), kernels, result)
    return result


def _inputs(
    program: Program,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
    specs: tuple[TensorSpec, ...],
) -> list[Any]:
    """The tensors to run with."""
    if program.framework == "torch" and (args or kwargs):
        return program.tree.flatten(args, kwargs or {})
    return list(draw(specs).values())


def _keep(
    database: Database,
    scope: str,
    cpu: str,
    model: str,
    kernels: tuple[KernelVariants, ...],
    result: TuningResult,
) -> None:
    """Writes the winners; what was the best before and was not now goes."""
    if not result.interrupted:
        database.remove(scope, [kernel.id for kernel in result.kernels])
    if not result.kept:
        return
    configs = {kernel.id: kernel.config for kernel in kernels}
    database.add(
        Record(
            scope=scope,
            kernel=kernel.id,
            config=str(kernel.best),
            name=kernel.name,
            model=model,
            cpu=cpu,
            threads=result.threads,
            default_config=configs[kernel.id],
            default_seconds=kernel.measured.first,
            seconds=kernel.measured.second,
            ratio=kernel.measured.ratio,
            spread=kernel.measured.spread,
            runs=kernel.measured.runs,
            confirmed=not result.interrupted,
            created=time.time(),
        )
        for kernel in result.winners
    )


def _name_of(model: Any) -> str:
    """The model in words, for people who look into the database."""
    if isinstance(model, (str, os.PathLike)):
        return Path(model).name  # pyright: ignore[reportUnknownArgumentType]
    return type(model).__name__
