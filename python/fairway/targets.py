# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machines that Fairway compiles for, by name.

A target turns a model's text into object code and object code into an artefact.
The package brings `cpu`; another package adds its own by an entry point in the group
`fairway.targets` that names an object with the attributes of `Target`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fairway.errors import InvalidArgument

if TYPE_CHECKING:
    from fairway.compiler import CompileOptions, KernelVariants

__all__ = ["Machine", "Request", "Target", "Tunable", "available", "get"]

ENTRY_POINT_GROUP = "fairway.targets"

# The compiler's stages in the user's words.
_STAGES = {
    "parse": "reading the graph",
    "graph": "cutting the graph into kernels",
    "kernel": "generating the kernels",
    "plan": "planning order and memory",
    "llvm": "lowering to LLVM",
    "object": "generating machine code",
}


@dataclass(frozen=True)
class Machine:
    """What code is generated for.

    Attributes:
        triple: LLVM's target triple.
        cpu: LLVM's name of the processor.
        features: Its features in LLVM's notation (`+avx2,+fma`).
        description: What the cost models know of it: `vector_bits`, `l2_bytes`, ...; see
            docs/cli.md. Empty if the target has no such models.
    """

    triple: str
    cpu: str
    features: str
    description: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Request:
    """All that decides, together with the model's text, what code comes out.

    Attributes:
        machine: What to generate code for.
        threads: The number of workers to divide work for.
        version: The version of Fairway, written into the artefact.
        metadata: JSON written into the artefact.
        configs: What tuning found out, kernels' configurations by their ids.
        dump: A folder for the IR after each stage. It does not change the code.
    """

    machine: Machine
    threads: int
    version: str
    metadata: str
    configs: Mapping[str, str] = field(default_factory=dict[str, str])
    dump: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Gives all that decides what code comes out, as nested dicts of scalars."""
        fields = asdict(self)
        del fields["dump"]
        return fields


class Target(Protocol):
    """What a target offers."""

    @property
    def name(self) -> str:
        """The name to select it by."""
        ...

    @property
    def summary(self) -> str:
        """One line for `fairway targets`."""
        ...

    def machine(
        self, cpu: str, features: str | None, changes: Mapping[str, float] | None
    ) -> Machine:
        """Resolves `cpu` ("host" or a name), added features and changes of the description.

        Raises:
            InvalidArgument: There is no such processor, feature or property.
        """
        ...

    def compile(self, module: str, request: Request, report: Callable[[str], None]) -> bytes:
        """Compiles MLIR text to an object file.

        Args:
            module: The text of a `Program`.
            request: What to compile for.
            report: Called with the name of each stage as it begins.

        Raises:
            UnsupportedOp: The text holds something that this target cannot compile.
            CompilationError: The compiler failed.
        """
        ...

    def link(self, objects: Sequence[Path], output: Path, weights_bytes: int = 0) -> int:
        """Links object files to an artefact.

        Args:
            objects: What `compile` made.
            output: The artefact to write.
            weights_bytes: How many bytes of weights it gets; the caller writes them to the
                file, so `fairway_artefact.weights` must point at what is there.

        Returns:
            Where in the file the weights go.
        """
        ...


@runtime_checkable
class Tunable(Target, Protocol):
    """A target whose kernels can be made in several ways."""

    def variants(
        self, module: str, request: Request, count: int, report: Callable[[str], None]
    ) -> Sequence[KernelVariants]:
        """Lists the model's kernels, each with up to `count` tilings to try."""
        ...


class CpuTarget:
    """Code for the processor at hand or another x86-64 or AArch64 one."""

    name = "cpu"
    summary = "x86-64 and AArch64 processors, through LLVM"

    def machine(
        self, cpu: str, features: str | None, changes: Mapping[str, float] | None
    ) -> Machine:
        from fairway import compiler

        return compiler.resolve_machine(cpu, features, changes)

    def compile(self, module: str, request: Request, report: Callable[[str], None]) -> bytes:
        from fairway import compiler

        return compiler.compile_to_object(
            module, _options(request), lambda stage: report(_STAGES.get(stage, stage))
        )

    def variants(
        self, module: str, request: Request, count: int, report: Callable[[str], None]
    ) -> Sequence[KernelVariants]:
        from fairway import compiler

        return compiler.list_variants(
            module, _options(request), count, lambda stage: report(_STAGES.get(stage, stage))
        )

    def link(self, objects: Sequence[Path], output: Path, weights_bytes: int = 0) -> int:
        from fairway import compiler

        return compiler.link_shared(objects, output, weights_bytes)


def _options(request: Request) -> CompileOptions:
    from fairway.compiler import CompileOptions

    return CompileOptions(
        triple=request.machine.triple,
        cpu=request.machine.cpu,
        features=request.machine.features,
        threads=request.threads,
        version=request.version,
        metadata=request.metadata,
        machine=request.machine.description,
        configs=request.configs,
        dump_dir=request.dump,
    )


def available() -> dict[str, Target]:
    """All targets by name; an installed package's may replace a built-in one."""
    found: dict[str, Target] = {"cpu": CpuTarget()}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        loaded: Any = point.load()
        found[point.name] = loaded() if isinstance(loaded, type) else loaded
    return found


def get(name: str) -> Target:
    """Finds a target by name.

    Raises:
        InvalidArgument: There is none of that name.
    """
    targets = available()
    if name in targets:
        return targets[name]
    close = difflib.get_close_matches(name, targets, n=1)
    raise InvalidArgument(
        f"there is no target '{name}'",
        hint=(f"did you mean '{close[0]}'? " if close else "") + f"known: {', '.join(targets)}",
    )
