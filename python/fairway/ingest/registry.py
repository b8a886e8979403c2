# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which importer reads which model.

An importer is a module, or any object, with two functions: `accepts(model) -> bool`,
which is quick and imports no framework, and `load(model, args, kwargs, dims, progress)
-> Program`. It may have `begin`, which takes the same and gives a `Source`, so that code
is found in the cache before the model is lowered. Other packages add one by an entry point
of the group `fairway.ingest`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any, Protocol, cast

from fairway.errors import InvalidArgument, InvalidModel, MissingDependency
from fairway.ingest.lowering import Progress
from fairway.program import Program

__all__ = ["Importer", "find", "importers"]

GROUP = "fairway.ingest"
_BUILT_IN = {
    "torch": "fairway.ingest.torch_importer",
    "onnx": "fairway.ingest.onnx_importer",
    "mlir": "fairway.ingest.mlir_importer",
    "onnx-mlir": "fairway.ingest.onnx_mlir_importer",  # after `onnx`, so only by its name
}


class Importer(Protocol):
    """What every importer offers."""

    def accepts(self, model: Any) -> bool:
        """Whether it can read `model`."""
        ...

    def load(
        self,
        model: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        dims: Any = None,
        progress: Progress | None = None,
    ) -> Program:
        """Reads `model`."""
        ...


def importers() -> tuple[str, ...]:
    """Names all importers, the built-in ones first."""
    return tuple(name for name, _ in _all())


def find(model: Any, name: str | None = None) -> Importer:
    """Finds the importer for a model.

    Args:
        model: The model.
        name: The importer's name, where the user chose one.

    Raises:
        InvalidArgument: There is no importer of that name.
        InvalidModel: No importer takes the model.
        MissingDependency: An importer that was asked for cannot be loaded.
    """
    if name is not None:
        for candidate, importer in _all():
            if candidate == name:
                return importer()
        raise InvalidArgument(
            f"there is no importer '{name}'",
            hint=f"choose among {', '.join(importers())}",
        )
    for _, importer in _all():
        found = importer()
        if found.accepts(model):
            return found
    shown = f"'{model}'" if isinstance(model, str) else f"an object of type {_type_name(model)}"
    raise InvalidModel(
        f"Fairway cannot tell what kind of model {shown} is",
        hint="pass a torch.nn.Module, a torch.export.ExportedProgram, an onnx.ModelProto, or the "
        "path of an .onnx or .mlir file",
    )


class _Loader:
    def __init__(self, name: str, target: str | metadata.EntryPoint) -> None:
        self._name = name
        self._target = target

    def __call__(self) -> Importer:
        try:
            if isinstance(self._target, str):
                return cast("Importer", importlib.import_module(self._target))
            return cast("Importer", self._target.load())
        except ImportError as error:
            raise MissingDependency(
                f"the importer '{self._name}' cannot be loaded: {error}",
                hint="reinstall or remove the package that brings it",
            ) from error


def _all() -> Iterator[tuple[str, _Loader]]:
    for name, module in _BUILT_IN.items():
        yield name, _Loader(name, module)
    for entry in metadata.entry_points(group=GROUP):
        if entry.name not in _BUILT_IN:
            yield entry.name, _Loader(entry.name, entry)


def _type_name(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
