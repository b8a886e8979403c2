# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a model to an `Executable`: import, compile or find in the cache, link, prepare."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fairway import targets
from fairway.building import Builder
from fairway.cache import Cache
from fairway.code_pages import release_code
from fairway.dumps import new_folder
from fairway.errors import (
    ArtifactError,
    InvalidArgument,
    InvalidModel,
    MissingDependency,
    UnsupportedOp,
)
from fairway.executable import (
    Executable,
    Metadata,
    check_threads,
    default_threads,
    mapped_errors,
)
from fairway.identity import native_libraries
from fairway.program import Program

if TYPE_CHECKING:
    from fairway.ingest.source import Source
    from fairway.tuning import Database

__all__ = ["chosen_database", "compile", "lower", "opened", "read"]


def compile(  # noqa: A001 (the public name)
    model: Any,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    target: str = "cpu",
    dims: Mapping[str, Any] | None = None,
    threads: int | None = None,
    cpu: str = "host",
    features: str | None = None,
    machine: Mapping[str, float] | None = None,
    cache: bool | Cache = True,
    tuning: bool | Database = True,
    progress: Callable[[str], None] | None = None,
    importer: str | None = None,
    dump: str | os.PathLike[str] | None = None,
    verify: bool = False,
) -> Executable:
    """Compiles a model for this machine or another.

    Args:
        model: A `torch.nn.Module` or `ExportedProgram`; a path, bytes or `ModelProto`
            of an ONNX model; the path of a `.pt2` or `.mlir` file.
        args: Example arguments of a torch module. They fix shapes and dtypes; a value
            matters only where it is a Python scalar.
        kwargs: Example keyword arguments.
        target: The name of a target; see `fairway targets`.
        dims: The sizes that stay open until a call. For PyTorch by argument and axis:
            `{"x": {0: "batch", 1: fairway.Dim("sequence", 1, 512)}}`. For ONNX they are the
            graph's own symbolic dimensions, here by name: `fairway.Dim("batch", 1, 64)`
            gives one a range, and a number such as `{"batch": 4}` fixes it. See
            docs/ingest.md.
        threads: How many threads the code is divided for and a call uses; by default
            one for each usable core.
        cpu: The processor to compile for: "host" or a name such as "x86-64-v3".
        features: Further processor features in LLVM's notation, such as "+avx2,-fma".
        machine: Properties of the processor that are known better than Fairway finds them
            out, such as `{"l2_bytes": 1 << 20}`; `fairway targets` lists them.
        cache: Whether to keep and reuse compiled code on disk, or the cache to use.
        tuning: Whether to make kernels as `fairway tune` has found best for them on this
            machine, or the database to look that up in; see docs/tuning.md.
        progress: Called with a few words as each stage begins.
        importer: The name of the importer to use; found from the model by default.
        dump: A folder that gets a new folder with the IR after each stage, for which the
            model is compiled even if the cache has it; the environment's `FAIRWAY_DUMP` by
            default. See docs/debugging.md.
        verify: Whether to run the compiled model on `args` and `kwargs` and compare with the
            framework, which must be installed: PyTorch, or for ONNX models ONNX Runtime or
            ONNX's own evaluator.

    Returns:
        The compiled model, ready to call.

    Raises:
        UnsupportedOp: The model uses an operation that Fairway does not know.
        InvalidModel: The model cannot be read.
        InvalidArgument: An argument does not fit the model.
        MissingDependency: The model's framework is not installed.
        CompilationError: The compiler failed, which is a defect of Fairway.
        WrongResult: The compiled model was verified, and computes something else. The error
            names the first operation that is wrong.
        fairway.Error: The base class of all of them.
    """
    report = progress or _silent
    chosen = targets.get(target)
    count = default_threads() if threads is None else check_threads(threads)
    described = chosen.machine(cpu, features, machine)
    source = read(model, args, kwargs, dims=dims, importer=importer, report=report)

    from fairway import __version__

    options = targets.Request(described, count, __version__, "")
    dumped = new_folder(dump)
    options = replace(options, configs=_tuned(options, chosen, tuning), dump=dumped)
    builder = Builder(chosen, None if dumped else _chosen_cache(cache), report)
    built = builder.find(source.key, options)
    if built is not None:
        find_array = source.array
    else:
        program = lower(source, dumped)
        release_code(native_libraries())  # torch-mlir has done its work
        metadata = Metadata(program.framework, program.tree).to_json()
        built = builder.build(program.module, replace(options, metadata=metadata))
        release_code(native_libraries())  # the weights need memory next
        find_array = program.arrays.__getitem__
    report("preparing the weights")
    native = built.native
    with mapped_errors(ArtifactError):
        native.set_parameters([find_array(info.name) for info in native.parameters])
        native.prepare(count)
    builder.remember(source.key, options, built)
    executable = Executable(native, threads=count, code=built.code)
    if verify:
        from fairway.verification import verify as compare

        again = functools.partial(
            compile,
            target=target,
            threads=count,
            cpu=cpu,
            features=features,
            machine=machine,
            cache=cache,
            tuning=tuning,
        )
        compare(executable, opened(model), args, dict(kwargs or {}), again, report)
    return executable


def read(
    model: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
    *,
    dims: Mapping[str, Any] | None,
    importer: str | None,
    report: Callable[[str], None],
) -> Source:
    """Takes what `compile` takes, as far as the importer."""
    from fairway import ingest

    _check_examples(args, kwargs)
    report("importing the model")
    return ingest.begin(opened(model), args, kwargs, dims=dims, importer=importer, progress=report)


def lower(source: Source, dump: Path | None = None) -> Program:
    """The program of a model, made sure that code can be made of it.

    Args:
        source: The model.
        dump: A folder for its IR on the way.

    Raises:
        UnsupportedOp: The model has state.
    """
    program = source.program(dump)
    _refuse_state(program)
    return program


def chosen_database(tuning: bool | Database) -> Database | None:
    """The database that the argument `tuning` means."""
    from fairway.tuning import Database

    if isinstance(tuning, Database):
        return tuning
    return Database.default() if tuning else None


def _tuned(
    options: targets.Request, target: targets.Target, tuning: bool | Database
) -> Mapping[str, str]:
    """The best configurations known for this machine, of whatever kernels."""
    database = chosen_database(tuning)
    if database is None or not isinstance(target, targets.Tunable):
        return {}
    return database.configs(target.name, options)


def _chosen_cache(cache: bool | Cache) -> Cache | None:
    if isinstance(cache, Cache):
        return cache
    return Cache.default() if cache else None


def opened(model: Any) -> Any:
    """Reads the path of an exported program; leaves all else as it is.

    Raises:
        InvalidModel: There is no such file, or it holds none.
        MissingDependency: PyTorch is not installed.
    """
    if not isinstance(model, (str, os.PathLike)):
        return model
    path = Path(cast("str | os.PathLike[str]", model))
    if path.suffix.lower() != ".pt2":
        return str(path)
    if not path.is_file():
        raise InvalidModel(f"the file {path} does not exist", hint="check the path")
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(
            "compiling a .pt2 file needs PyTorch", where=str(path), hint="pip install torch"
        ) from error
    try:
        return torch.export.load(path)
    except Exception as error:
        raise InvalidModel(
            "the file is no exported program, or is damaged",
            where=str(path),
            hint="write it with torch.export.save, with the version of PyTorch installed here",
        ) from error


def _refuse_state(program: Program) -> None:
    if "ml_program.global" in program.module:
        raise UnsupportedOp(
            "the model draws random numbers or keeps state between calls",
            hint="compute them outside the model and pass them as inputs",
        )


def _check_examples(args: object, kwargs: object) -> None:
    """Catches `compile(model, x)`, which would take a tensor's rows for arguments."""
    if not isinstance(args, (tuple, list)):
        raise InvalidArgument(
            f"args is a {type(args).__name__}, not a tuple of the model's arguments",
            hint="for a single argument write fairway.compile(model, (x,))",
        )
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise InvalidArgument(
            f"kwargs is a {type(kwargs).__name__}, not a dict of arguments by name",
            hint='write fairway.compile(model, (), {"x": x})',
        )


def _silent(_: str) -> None:
    pass
