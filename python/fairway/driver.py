# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a model to an `Executable`: import, compile or find in the cache, link, prepare."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fairway import targets
from fairway.cache import Cache, CacheWarning, content_key
from fairway.errors import (
    ArtifactError,
    CacheError,
    CompilationError,
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
    open_native,
)
from fairway.program import Program
from fairway.saving import Code

if TYPE_CHECKING:
    from fairway import _runtime

__all__ = ["cache_key", "compile"]

_OBJECT, _LIBRARY = "code.o", "code.so"


def compile(  # noqa: A001 (the public name)
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
    cache: bool | Cache = True,
    progress: Callable[[str], None] | None = None,
    importer: str | None = None,
) -> Executable:
    """Compiles a model for this machine or another.

    Args:
        model: A `torch.nn.Module` or `ExportedProgram`; a path, bytes or `ModelProto`
            of an ONNX model; the path of a `.pt2` or `.mlir` file.
        args: Example arguments of a torch module. They fix shapes and dtypes; a value
            matters only where it is a Python scalar.
        kwargs: Example keyword arguments.
        target: The name of a target; see `fairway targets`.
        dims: Sizes of symbolic dimensions, such as `{"batch": 4}`.
        threads: How many threads the code is divided for and a call uses; by default
            one for each usable core.
        cpu: The processor to compile for: "host" or a name such as "x86-64-v3".
        features: Further processor features in LLVM's notation, such as "+avx2,-fma".
        machine: Properties of the processor that are known better than Fairway finds them
            out, such as `{"l2_bytes": 1 << 20}`; `fairway targets` lists them.
        cache: Whether to keep and reuse compiled code on disk, or the cache to use.
        progress: Called with a few words as each stage begins.
        importer: The name of the importer to use; found from the model by default.

    Returns:
        The compiled model, ready to call.

    Raises:
        UnsupportedOp: The model uses an operation that Fairway does not know.
        InvalidModel: The model cannot be read.
        InvalidArgument: An argument does not fit the model.
        MissingDependency: The model's framework is not installed.
        CompilationError: The compiler failed, which is a defect of Fairway.
        fairway.Error: The base class of all of them.
    """
    from fairway import ingest

    report = progress or _silent
    _check_examples(args, kwargs)
    chosen = targets.get(target)
    count = default_threads() if threads is None else check_threads(threads)
    described = chosen.machine(cpu, features, machine)
    report("importing the model")
    program = ingest.load(
        _opened(model), args, kwargs, dims=dims, importer=importer, progress=report
    )
    _require_sizes(program)
    _refuse_state(program)

    from fairway import __version__

    metadata = Metadata(program.framework, program.tree).to_json()
    request = targets.Request(described, count, __version__, metadata)
    native, code = _build(program.module, request, chosen, _chosen_cache(cache), report)
    report("preparing the weights")
    with mapped_errors(ArtifactError):
        native.set_parameters([program.arrays[info.name] for info in native.parameters])
        native.prepare(count)
    return Executable(native, threads=count, code=code)


def _build(
    module: str,
    request: targets.Request,
    target: targets.Target,
    cache: Cache | None,
    report: Callable[[str], None],
) -> tuple[_runtime.Model, Code]:
    """Loads the compiled code from the cache, or makes it."""
    objects: list[bytes] = []

    def write(folder: Path) -> None:
        if not objects:  # compiled once, even if the cache cannot take it
            objects.append(target.compile(module, request, report))
        (folder / _OBJECT).write_bytes(objects[0])
        try:
            target.link([folder / _OBJECT], folder / _LIBRARY)
        except CompilationError as error:
            if shutil.disk_usage(folder).free > 4 * len(objects[0]):
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error

    if cache is not None:
        key = cache_key(module, target.name, request)
        with cache.lock(key):
            loaded = _from_cache(cache, key, target, write, report)
        if loaded is not None:
            return loaded
    return _without_cache(target, write, objects)


def _without_cache(
    target: targets.Target, write: Callable[[Path], None], objects: list[bytes]
) -> tuple[_runtime.Model, Code]:
    """Compiles into a temporary folder, which goes once the code is loaded."""
    try:
        with tempfile.TemporaryDirectory(prefix="fairway-", ignore_cleanup_errors=True) as name:
            write(Path(name))
            return open_native(Path(name) / _LIBRARY), Code(objects[0], target)
    except OSError as error:
        raise CacheError(
            f"there is no folder to write compiled code to: {error.strerror or error}",
            hint="free space in the temporary folder, or set TMPDIR to another one",
        ) from error


def _from_cache(
    cache: Cache,
    key: str,
    target: targets.Target,
    write: Callable[[Path], None],
    report: Callable[[str], None],
) -> tuple[_runtime.Model, Code] | None:
    """Finds or adds an entry and loads it; None where the cache cannot be used."""
    folder = cache.get(key)
    if folder is not None:
        report("found in the cache")
    else:
        try:
            folder = cache.put(key, write)
        except OSError as error:
            warnings.warn(_no_cache(cache, error), CacheWarning, stacklevel=4)
            return None
    try:
        return open_native(folder / _LIBRARY), Code((folder / _OBJECT).read_bytes(), target)
    except (OSError, ArtifactError):
        if folder.exists():
            raise
        return None  # another process has just removed it


def cache_key(module: str, target: str, request: targets.Request) -> str:
    """The content address of compiled code: the model's text and all options.

    Source locations are left out: a model that has only moved within its file, or to
    another folder, has the same code.
    """
    text = _without_locations(module)
    return content_key({"module": text, "target": target, "request": request.to_json()})


def _without_locations(module: str) -> str:
    ir: Any = importlib.import_module("fairway.mlir.ir")  # built, not in the source tree
    try:
        with ir.Context():
            return ir.Module.parse(module).operation.get_asm(enable_debug_info=False)
    except ir.MLIRError:  # the compiler will say what is wrong with it
        return module


def _chosen_cache(cache: bool | Cache) -> Cache | None:
    if isinstance(cache, Cache):
        return cache
    return Cache.default() if cache else None


def _no_cache(cache: Cache, error: OSError) -> str:
    return (
        f"the compilation cache cannot be used: {error.strerror or error} ({cache.folder}); "
        "going on without it. Set FAIRWAY_CACHE_DIR to a writable folder with space, or pass "
        "cache=False."
    )


def _opened(model: Any) -> Any:
    """Reads the path of an exported program; leaves all else as it is."""
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


def _require_sizes(program: Program) -> None:
    if program.symbols:
        names = ", ".join(f"'{name}'" for name in program.symbols)
        sizes = ", ".join(f'"{name}": 1' for name in program.symbols)
        raise InvalidArgument(
            f"the model's dimensions {names} have no size",
            hint=f"pass dims={{{sizes}}} with the sizes that you need",
        )


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
