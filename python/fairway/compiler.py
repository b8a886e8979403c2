# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The native compiler with types and with Fairway's errors.

Importing this module loads the compiler's library (some 100 MB); nothing that only
runs compiled models needs it.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.errors import (
    CompilationError,
    Error,
    InvalidArgument,
    InvalidModel,
    UnsupportedOp,
)
from fairway.mlir._mlir_libs import _fairway

if TYPE_CHECKING:
    from fairway.targets import Machine

__all__ = [
    "CompileOptions",
    "KernelVariants",
    "compile_to_object",
    "host_cpu",
    "host_triple",
    "link_shared",
    "list_variants",
    "resolve_machine",
]

# FairwayStatus of include/fairway/CAPI/Compiler.h.
_UNSUPPORTED_OP, _INVALID_MODEL, _INVALID_ARGUMENT, _FAILED = 1, 2, 3, 5

_TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}


@dataclass(frozen=True)
class CompileOptions:
    """What to compile for.

    Attributes:
        triple: LLVM's target triple; x86-64 or AArch64 Linux.
        cpu: LLVM's name of the processor, such as `x86-64-v3` or `znver4`.
        features: Features to add or remove in LLVM's notation, `+avx2,-fma`.
        machine: Properties of the machine to replace for the cost models, by name; the
            others are what is known of `cpu`.
        configs: Configurations of kernels, by the kernels' ids, that go before what the
            cost models would choose; see `list_variants`. Ids of other models' kernels are
            fine.
        threads: How many workers will usually divide each kernel.
        version: Fairway's version, written into the artefact.
        metadata: JSON, written into the artefact.
        opt_level: 0 to 3, as for clang.
        dump_dir: A folder for the IR after each stage; created if missing.
    """

    triple: str
    cpu: str
    features: str = ""
    machine: Mapping[str, float] = field(default_factory=dict[str, float])
    configs: Mapping[str, str] = field(default_factory=dict[str, str])
    threads: int = 1
    version: str = ""
    metadata: str = ""
    opt_level: int = 3
    dump_dir: Path | None = None

    def native(self) -> _fairway.Options:
        """The same as the native compiler takes it."""
        return _fairway.Options(
            triple=self.triple,
            cpu=self.cpu,
            features=self.features,
            machine=_description_text(self.machine),
            configs="".join(f"{name} {self.configs[name]}\n" for name in sorted(self.configs)),
            version=self.version,
            metadata=self.metadata,
            threads=self.threads,
            opt_level=self.opt_level,
            dump_dir="" if self.dump_dir is None else os.fspath(self.dump_dir),
        )


@dataclass(frozen=True)
class KernelVariants:
    """A kernel of a model, and how else it could be tiled.

    Attributes:
        kernel: Its name in this model's plan, such as `matmul_3`.
        id: What tells it from all kernels of all models.
        config: How it is made, `tile = [64, 3, 0], rows = 6, ...`; see docs/tuning.md.
        tiles: Values for `tile` that differ well from one another, the cost model's choice
            first. Empty if its tiles are not one list.
    """

    kernel: str
    id: str
    config: str
    tiles: tuple[tuple[int, ...], ...]


def compile_to_object(
    module_text: str,
    options: CompileOptions,
    progress: Callable[[str], None] | None = None,
) -> bytes:
    """Compiles a `Program`'s module to code that `link_shared` takes.

    The lock of the interpreter is free meanwhile; several threads may compile at once.

    Args:
        module_text: MLIR text as `fairway.program.Program.module` holds it.
        options: What to compile for.
        progress: Called with the name of each stage as it starts. What it raises ends the
            compilation and comes out of this function; so does Ctrl-C.

    Returns:
        An archive of ELF objects, one for each kernel and one with the descriptor
        `fairway_artefact`; the same bytes each time.

    Raises:
        UnsupportedOp: An operation has no lowering; the error says where it comes from.
        InvalidModel: The text is no valid module.
        InvalidArgument: The triple, processor or a feature is unknown.
        CompilationError: The compiler failed, which is a defect of it.
    """
    with _errors():
        return _fairway.compile(module_text, options.native(), progress)


def list_variants(
    module_text: str,
    options: CompileOptions,
    count: int,
    progress: Callable[[str], None] | None = None,
) -> tuple[KernelVariants, ...]:
    """Finds out which kernels a `Program` is made of, and tilings to try with each.

    Args:
        module_text: MLIR text as `fairway.program.Program.module` holds it.
        options: What to compile for. Ids and tilings do not depend on its configurations.
        count: The most tilings for a kernel, the cost model's own among them.
        progress: As for `compile_to_object`, and so are the errors.
    """
    with _errors():
        text = _fairway.list_variants(module_text, options.native(), count, progress)
    return tuple(
        KernelVariants(
            fields["kernel"], fields["id"], fields["config"], tuple(map(tuple, fields["tiles"]))
        )
        for fields in json.loads(text)
    )


def link_shared(objects: Sequence[Path], output: Path, weights_bytes: int = 0) -> int:
    """Links object files to a shared library without any tool of the system.

    Args:
        objects: What `compile_to_object` made, as files.
        output: The library to write; its folder must be writable.
        weights_bytes: How many bytes of weights the library gets. The caller writes them
            to the file, at the place that is returned; they need not be in memory at once.

    Returns:
        Where in the file the weights go, which is its end; 0 without weights.

    Raises:
        CompilationError: An object is damaged or incomplete, or `output` cannot be written.
    """
    with _errors():
        paths = [os.fspath(path) for path in objects]
        return _fairway.link_shared(paths, os.fspath(output), weights_bytes)


def host_cpu() -> tuple[str, str]:
    """Gives LLVM's name and features of the processor that this process runs on."""
    return _fairway.host_cpu()


def host_triple() -> str:
    """Gives the target triple of this machine.

    Raises:
        InvalidArgument: Fairway makes no code for this kind of machine.
    """
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in _TRIPLES:
        raise InvalidArgument(
            f"no code can be made for {platform.system()} on {machine}",
            hint="use 64-bit Linux on x86-64 or AArch64, or name a processor: cpu='x86-64-v3'",
        )
    return _TRIPLES[machine]


def resolve_machine(
    cpu: str = "host", features: str | None = None, changes: Mapping[str, float] | None = None
) -> Machine:
    """Finds out what to generate code for.

    Args:
        cpu: "host"; a processor's name, such as `x86-64-v3` or `neoverse-v2`; or a triple
            and a name, `aarch64-unknown-linux-gnu:neoverse-v2`. A name that this machine's
            architecture does not know is looked up in the others.
        features: Features to add to or remove from it, `+avx2,-fma`.
        changes: Properties of the machine that are known better than Fairway finds them
            out, such as `{"l2_bytes": 1 << 20}`. The host's caches are looked up, those of
            others come from a table.

    Raises:
        InvalidArgument: There is no such processor, feature or property.
    """
    extra, given = features or "", changes or {}
    if cpu == "host":
        name, own = host_cpu()
        joined = ",".join(part for part in (own, extra) if part)
        return _described(host_triple(), name, joined, given, host=True)
    triple, colon, name = cpu.rpartition(":")
    if colon:
        candidates = [triple]
    else:
        candidates = sorted(_TRIPLES.values(), key=lambda known: known != host_triple())
    failure: Error | None = None
    for candidate in candidates:
        try:
            _described(candidate, name, "", {})
        except InvalidArgument as error:
            failure = failure or error
        else:
            return _described(candidate, name, extra, given)
    assert failure is not None
    failure.hint = "use cpu='host', or a name that LLVM knows such as 'x86-64-v3' or 'znver4'"
    raise failure


def _described(
    triple: str, cpu: str, features: str, changes: Mapping[str, float], *, host: bool = False
) -> Machine:
    from fairway.targets import Machine

    with _errors():
        text = _fairway.describe_machine(triple, cpu, features, _description_text(changes), host)
    description: dict[str, float] = {}
    for part in text.split():
        name, value = part.split("=")
        number = float(value)
        description[name.replace("-", "_")] = int(number) if number.is_integer() else number
    return Machine(triple, cpu, features, description)


def _description_text(properties: Mapping[str, float]) -> str:
    """The native compiler's form, in the order of names: `l2-bytes=1048576 ...`."""
    return " ".join(
        f"{name.replace('_', '-')}={value:.16g}" for name, value in sorted(properties.items())
    )


@contextmanager
def _errors() -> Generator[None]:
    """Turns the native module's errors into Fairway's."""
    try:
        yield
    except _fairway.Error as error:
        raise _translate(*error.args) from None


def _translate(status: int, message: str, where: str, stage: str) -> Error:
    place = where or None
    if status == _UNSUPPORTED_OP:
        return UnsupportedOp(
            message,
            where=place,
            hint="replace the operation in the model, or report it to have it added",
        )
    if status == _INVALID_MODEL:
        return InvalidModel(message, where=place)
    if status == _INVALID_ARGUMENT:
        return InvalidArgument(message, where=place)
    if status == _FAILED:
        return CompilationError(message, where=place)
    return CompilationError(
        f"the compiler's stage '{stage}' failed: {message}" if stage else message,
        where=place,
        hint="this is a defect of Fairway; a report with the model would help",
    )
