# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled model that is ready to run, and its way to and from a file."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway import arrays
from fairway.errors import ArtifactError, DeviceError, Error, InvalidArgument
from fairway.plan import Kernel, Plan
from fairway.program import Kind, TensorSpec
from fairway.tensors import shape_text
from fairway.tree import InputOutputTree

if TYPE_CHECKING:
    from fairway import _runtime
    from fairway.saving import Code

__all__ = ["Executable", "Metadata", "default_threads", "load"]


@dataclass(frozen=True)
class Metadata:
    """What the front end writes into an artefact and reads back.

    Attributes:
        framework: Where the model came from: `torch`, `onnx`, `mlir`, ...
        tree: The structure of the model's arguments and results; None for an artefact
            that another tool wrote (it is then called with its inputs in order).
    """

    framework: str
    tree: InputOutputTree | None

    def to_json(self) -> str:
        """The text that an artefact holds."""
        tree = self.tree.to_json() if self.tree else None
        return json.dumps({"framework": self.framework, "tree": tree}, sort_keys=True)

    @staticmethod
    def from_json(text: bytes) -> Metadata:
        """Reads what `to_json` gave.

        Raises:
            ArtifactError: It is something else.
        """
        if not text:
            return Metadata("unknown", None)
        try:
            data = json.loads(text)
            tree = InputOutputTree.from_json(data["tree"]) if data["tree"] else None
            return Metadata(str(data["framework"]), tree)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"the artefact's metadata cannot be read: {error!r}", hint="compile it again"
            ) from error


class Executable:
    """A compiled model. Call it like the model that it was compiled from.

    It may be called from many threads at once. Made by `fairway.compile` and
    `fairway.load`, not directly.

    Attributes:
        inputs: The input tensors, in the order of the model's arguments. An extent that
            calls decide is an expression of `sizes`, such as `batch` or `2*length + 1`.
        outputs: The output tensors, likewise.
        sizes: The sizes that calls decide by the shapes of their inputs: the smallest
            and the largest (None if there is no limit) of each.
        framework: The framework that the model came from.
    """

    def __init__(
        self,
        native: _runtime.Model,
        *,
        threads: int | None = None,
        code: Code | None = None,
        source: Path | None = None,
    ) -> None:
        self._native = native
        self._code = code
        self._source = source
        metadata = Metadata.from_json(native.metadata)
        self._tree = metadata.tree
        self.framework = metadata.framework
        self.inputs = tuple(_spec(info, "input") for info in native.inputs)
        self.outputs = tuple(_spec(info, "output") for info in native.outputs)
        self.sizes = {name: (low, high) for name, low, high in native.sizes}
        self._threads = default_threads()
        if threads is not None:
            self.threads = threads

    @property
    def threads(self) -> int:
        """How many threads a call uses. The default is one for each usable core."""
        return self._threads

    @threads.setter
    def threads(self, count: int) -> None:
        self._threads = check_threads(count)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The generated functions."""
        return self.plan().kernels()

    @property
    def target(self) -> str:
        """What the code was generated for: triple, processor and features."""
        native = self._native
        return " ".join(part for part in (native.triple, native.cpu, native.features) if part)

    @property
    def version(self) -> str:
        """The version of Fairway that compiled it."""
        return self._native.version

    def plan(self, sizes: Mapping[str, int] | None = None) -> Plan:
        """The order of the kernels, their partition, and where their buffers are.

        Args:
            sizes: A number for each of `self.sizes`; None for an example.

        Raises:
            InvalidArgument: The model was not compiled for these sizes.
        """
        return Plan.of(self._at(sizes), self._native)

    def inputs_at(self, sizes: Mapping[str, int]) -> tuple[TensorSpec, ...]:
        """The input tensors of a call at certain sizes, with all extents known.

        Args:
            sizes: A number for each of `self.sizes`.

        Raises:
            InvalidArgument: The model was not compiled for these sizes.
        """
        return tuple(_spec(info, "input") for info in self._at(sizes).inputs)

    def weights_bytes(self) -> int:
        """The size of the prepared weights."""
        return sum(info.nbytes for info, _ in self._native.constants_info)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the model.

        Args:
            *args: As for the model: torch tensors, NumPy arrays, or anything that
                speaks DLPack, in the containers that the model takes.
            **kwargs: Likewise.

        Returns:
            What the model returns: torch tensors if any input is one, else NumPy
            arrays, in the model's own containers.

        Raises:
            InvalidArgument: An argument does not fit; the message names it.
            DeviceError: The run failed.
        """
        leaves = self._tree.flatten(args, kwargs) if self._tree else self._plain(args, kwargs)
        results = self._run(leaves, as_torch=self._returns_torch(leaves))
        if self._tree is not None:
            return self._tree.unflatten(results)
        return results[0] if len(results) == 1 else tuple(results)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Runs the model on inputs by name and returns its outputs by name.

        Args:
            inputs: A tensor for each name in `inputs`.

        Raises:
            InvalidArgument: A name is missing or unknown, or a tensor does not fit.
            DeviceError: The run failed.
        """
        leaves = self._plain((), inputs)
        results = self._run(leaves, as_torch=_any_torch(leaves))
        return dict(zip((spec.name for spec in self.outputs), results, strict=True))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the model with its weights to one shared library, and a C header.

        Both files appear whole or not at all; files already there are replaced only
        once the new ones are complete.

        Args:
            path: Where to write, such as `model.so`; `model.h` goes beside it.

        Returns:
            The path of the library.

        Raises:
            ArtifactError: The files cannot be written.
        """
        from fairway import saving

        return saving.save(self, Path(path), self._native, self._code, self._source)

    def __repr__(self) -> str:
        def show(specs: Sequence[TensorSpec]) -> str:
            return ", ".join(f"{s.name}: {s.dtype}{shape_text(s.shape)}" for s in specs)

        return f"<fairway.Executable ({show(self.inputs)}) -> ({show(self.outputs)})>"

    def _at(self, sizes: Mapping[str, int] | None) -> _runtime.Binding:
        values = None if sizes is None else self._ordered(sizes)
        with mapped_errors(ArtifactError):
            return self._native.at(values)

    def _ordered(self, sizes: Mapping[str, int]) -> list[int]:
        names = ", ".join(self.sizes) or "none"
        for name in sizes:
            if name not in self.sizes:
                raise InvalidArgument(
                    f"'{name}' is no size that this model leaves open",
                    hint=f"the open sizes are: {names}",
                )
        for name in self.sizes:
            if name not in sizes:
                raise InvalidArgument(
                    f"the size '{name}' is missing", hint=f"the open sizes are: {names}"
                )
        return [sizes[name] for name in self.sizes]

    def _run(self, leaves: list[Any], *, as_torch: bool) -> list[Any]:
        inputs = arrays.check_inputs(leaves, self.inputs)
        try:
            results = self._native.run(inputs, None, self._threads)
        except _native_error() as error:  # `mapped_errors` takes as long as a small model
            raise _mapped(error, DeviceError) from error
        return arrays.to_torch(results, self.outputs) if as_torch else results

    def _returns_torch(self, leaves: Sequence[Any]) -> bool:
        if not leaves:  # nothing says what the caller wants: what the model gave
            return self.framework == "torch" and arrays.torch_if_loaded() is not None
        return _any_torch(leaves)

    def _plain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Binds arguments to the inputs by position and name."""
        names = [spec.name for spec in self.inputs]
        unknown = [name for name in kwargs if name not in names]
        if unknown:
            raise InvalidArgument(
                f"'{unknown[0]}' is not an input of this model",
                hint=f"the inputs are {', '.join(names)}",
            )
        if len(args) + len(kwargs) > len(names):
            raise InvalidArgument(
                f"the model takes {len(names)} inputs ({', '.join(names)}), "
                f"not {len(args) + len(kwargs)}"
            )
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        for name in names:
            if name not in given:
                raise InvalidArgument(
                    f"the input '{name}' is missing", hint=f"the inputs are {', '.join(names)}"
                )
        return [given[name] for name in names]


def load(path: str | os.PathLike[str], *, threads: int | None = None) -> Executable:
    """Loads a saved model. Needs neither a framework nor the compiler.

    The file holds native code, which loading makes runnable: load only files that
    you would run.

    Args:
        path: A file that `Executable.save` or `fairway compile` wrote.
        threads: How many threads a call uses; by default one for each usable core.

    Raises:
        ArtifactError: The file is missing or damaged, has no weights, or was made for
            another processor or another version of Fairway.
        InvalidArgument: `threads` is not a positive whole number.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ArtifactError(
            f"{file} {what}", hint="give the path of a file that Executable.save wrote"
        )
    native = open_native(file)
    if not native.is_prepared:
        raise ArtifactError(
            f"{file} holds code without weights",
            hint="write it with Executable.save or `fairway compile`, which add the weights",
        )
    return Executable(native, threads=threads, source=file.resolve())


def open_native(library: Path) -> _runtime.Model:
    """Opens an artefact with the runtime.

    Raises:
        ArtifactError: It cannot be used here.
    """
    from fairway import _runtime

    with mapped_errors(ArtifactError):
        return _runtime.Model(str(library.resolve()))


def default_threads() -> int:
    """One thread for each physical core that this process may use."""
    from fairway import _runtime

    return _runtime.default_threads()


def check_threads(count: int) -> int:
    """Gives back a usable thread count.

    Raises:
        InvalidArgument: It is not a whole number from 1 to 1024.
    """
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 1024:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidArgument(
            f"threads is {count!r}", hint="give a whole number from 1 to 1024, or None"
        )
    return count


@contextlib.contextmanager
def mapped_errors(kind: type[Error]) -> Generator[None]:
    """Turns the runtime's errors into `kind`; a tensor that does not fit into `InvalidArgument`."""
    try:
        yield
    except _native_error() as error:
        raise _mapped(error, kind) from error


def _native_error() -> type[_runtime.Error]:
    from fairway import _runtime

    return _runtime.Error


def _mapped(error: _runtime.Error, kind: type[Error]) -> Error:
    from fairway import _runtime

    if error.code == _runtime.Status.INVALID_ARGUMENT:
        return InvalidArgument(str(error))
    return kind(str(error), hint=_HINTS.get(_runtime.Status(error.code).name))


_HINTS = {
    "NOT_AN_ARTEFACT": "give the path of a file that Executable.save or `fairway compile` wrote",
    "TRUNCATED": "copy the file again, or compile the model again",
    "CORRUPT": "copy the file again, or compile the model again",
    "WRONG_ARCHITECTURE": "compile the model for this architecture",
    "WRONG_ABI": "compile the model again with the Fairway that is installed here",
    "MISSING_CPU_FEATURE": "compile the model on this machine, or for a level that it has, "
    "such as cpu='x86-64-v2'",
    "OUT_OF_MEMORY": "free memory, or compile for a smaller batch",
}


def _any_torch(leaves: Sequence[Any]) -> bool:
    torch = arrays.torch_if_loaded()
    return torch is not None and any(isinstance(leaf, torch.Tensor) for leaf in leaves)


def _spec(info: _runtime.TensorInfo, kind: Kind) -> TensorSpec:
    return TensorSpec(info.name, info.dtype, tuple(info.shape), kind)
