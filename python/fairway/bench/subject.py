# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model under measurement, as files that every worker process can read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from fairway.errors import InvalidArgument, MissingDependency

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Kind", "Subject"]

Kind: TypeAlias = Literal["torch", "onnx", "mlir", "artefact"]

_ENDINGS: dict[str, Kind] = {".pt2": "torch", ".onnx": "onnx", ".mlir": "mlir", ".so": "artefact"}


@dataclass(frozen=True)
class Subject:
    """A model and its inputs on disk.

    A torch module is exported once, so that every contender gets the same graph; the
    exported program carries its example inputs. Other models get the inputs that
    `store_inputs` wrote.

    Attributes:
        kind: What `model` is.
        model: The file of the model.
        dims: Sizes of the symbolic dimensions of an ONNX model.
        folder: A folder for what the workers share.
    """

    kind: Kind
    model: Path
    dims: Mapping[str, int]
    folder: Path

    @staticmethod
    def make(
        model: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        dims: Mapping[str, int],
        folder: Path,
    ) -> Subject:
        """Brings whatever `fairway.compile` takes into files.

        Raises:
            InvalidArgument: The model is of a kind that cannot be measured.
            Error: It cannot be exported.
        """
        if isinstance(model, (str, os.PathLike)):
            path = Path(cast("str", model))
            kind = _ENDINGS.get(path.suffix.lower())
            if kind is None:
                raise InvalidArgument(
                    f"'{path}' is no model that can be measured",
                    hint=f"known endings: {', '.join(_ENDINGS)}",
                )
            if not path.is_file():
                raise InvalidArgument(f"the file {path} does not exist", hint="check the path")
            return Subject(kind, path.resolve(), dict(dims), folder)
        if isinstance(model, bytes):
            serialized = model
        elif hasattr(model, "SerializeToString"):
            serialized = cast("bytes", model.SerializeToString())
        else:
            return _exported(model, args, kwargs, folder)
        path = folder / "model.onnx"
        path.write_bytes(serialized)
        return Subject("onnx", path, dict(dims), folder)

    @property
    def inputs_file(self) -> Path:
        """Where `store_inputs` writes."""
        return self.folder / "inputs.npz"

    @property
    def reference_file(self) -> Path:
        """Where the reference outputs are."""
        return self.folder / "reference.npz"

    def store_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Writes the inputs by name, in the model's order."""
        import numpy as np

        np.savez(self.inputs_file, np.array(list(feeds)), *feeds.values())

    def feeds(self) -> dict[str, NDArray[Any]]:
        """The inputs by name; for a torch model, by the names of its exported program."""
        import numpy as np

        if self.kind != "torch":
            with np.load(self.inputs_file) as file:
                names, *arrays = (file[key] for key in file.files)
            return dict(zip(map(str, names), arrays, strict=True))
        from fairway.tensors import as_array, leaves

        program = self.program()
        tensors = leaves(program.example_inputs)
        names = [str(name) for name in program.graph_signature.user_inputs][: len(tensors)]
        return {name: as_array(tensor) for name, tensor in zip(names, tensors, strict=True)}

    def program(self) -> Any:
        """The exported program of a torch model."""
        import torch

        return torch.export.load(self.model)

    def as_onnx(self) -> Path:
        """The model as ONNX; a torch model is exported when first asked for."""
        if self.kind == "onnx":
            return self.model
        path = self.folder / "exported.onnx"
        if not path.exists():
            import torch

            draft = self.folder / "draft.onnx"  # its weights stay in draft.onnx.data
            torch.onnx.export(self.program(), (), draft, dynamo=True, verbose=False)
            draft.rename(path)
        return path


def _exported(
    model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], folder: Path
) -> Subject:
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(
            f"a {type(model).__name__} can be measured only with PyTorch", hint="pip install torch"
        ) from error
    from fairway.ingest.torch_export import export

    if isinstance(model, torch.export.ExportedProgram):
        program = model
        if args or kwargs:
            program.example_inputs = (tuple(args), dict(kwargs))
    elif isinstance(model, torch.nn.Module):
        program = export(model, tuple(args), dict(kwargs), None)
    else:
        raise InvalidArgument(
            f"a {type(model).__name__} is no model that can be measured",
            hint="pass a torch.nn.Module, an ExportedProgram, an ONNX model or a path",
        )
    path = folder / "model.pt2"
    torch.export.save(program, path)
    return Subject("torch", path, {}, folder)
