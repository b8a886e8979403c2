# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The waist of Fairway: a model as every framework hands it to the compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from fairway.errors import UnsupportedOp
from fairway.tree import InputOutputTree

__all__ = ["DTYPES", "InputOutputTree", "Kind", "Program", "Size", "TensorSpec", "check_dtype"]

Kind: TypeAlias = Literal["input", "parameter", "buffer", "state", "output"]

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64"),
)
"""What the tensors at a model's boundary can hold."""


@dataclass(frozen=True)
class TensorSpec:
    """Name, type and role of one tensor at a model's boundary.

    Attributes:
        name: Unique within its role.
        dtype: NumPy's name: `float32`, `int64`, `bool`, `uint8`, ... and `bfloat16`.
        shape: Sizes; a string is one that stays open: its name, or an expression of
            names such as `2*batch`.
        kind: `input`, `parameter` (learned), `buffer` (fixed data such as running
            means), `state` (kept between calls) or `output`.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    kind: Kind

    @property
    def is_static(self) -> bool:
        """Whether every size is known."""
        return all(isinstance(size, int) for size in self.shape)

    def to_json(self) -> dict[str, Any]:
        """Gives the spec as a dict of scalars and lists."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "kind": self.kind,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TensorSpec:
        """Reads what `to_json` gave."""
        return TensorSpec(data["name"], data["dtype"], tuple(data["shape"]), data["kind"])


@dataclass(frozen=True)
class Size:
    """A size that stays open until a call.

    Attributes:
        name: What users call it: `batch`.
        minimum: The smallest that it can be, 0 or more.
        maximum: The largest; `None` where there is no limit.
        hint: A size to make fast, 1 or more.
        samples: What it is in each of the three modules of `Program.module`.
    """

    name: str
    minimum: int
    maximum: int | None
    hint: int
    samples: tuple[int, int, int]


def check_dtype(name: str, dtype: str, kind: Kind, where: str | None = None) -> None:
    """Refuses what a compiled model's tensors cannot hold.

    Args:
        name: The tensor's name.
        dtype: What it holds, in the framework's word.
        kind: What it is to the model.
        where: The place in the user's model.

    Raises:
        UnsupportedOp: It is none of `DTYPES`.
    """
    if dtype in DTYPES:
        return
    complex_numbers = dtype.startswith("complex")
    raise UnsupportedOp(
        f"the {kind} '{name}' has the dtype {dtype}; a compiled model's tensors are one of "
        f"{', '.join(DTYPES)}",
        where=where,
        hint="pass real and imaginary parts as real tensors"
        if complex_numbers
        else "convert it outside the model",
    )


@dataclass
class Program:
    """A model in Fairway's own terms: code, data and signature.

    Attributes:
        module: MLIR 22 text with source locations and one entry `@main`. Each argument
            carries `fairway.name`, `fairway.kind` and `fairway.dtype`; each result
            `fairway.name` and `fairway.dtype`. Where sizes stay open, it holds three such
            modules: the model at three sets of sizes, which `fairway.sizes` tells.
        inputs: The inputs, in the order of the tree's leaves.
        parameters: Parameters, buffers and state.
        outputs: The outputs, in the order of the tree's leaves.
        arrays: The data of `parameters` by name: NumPy arrays or objects with
            `__dlpack__`, C-contiguous on the CPU. They share the framework's memory
            where its layout allows, so they show later changes of it.
        tree: How the flat lists relate to the model's own arguments and results.
        framework: Where the model came from: `torch`, `onnx`, `mlir`, ...
        sizes: The sizes that stay open, in the order in which the inputs name them.
    """

    module: str
    inputs: tuple[TensorSpec, ...]
    parameters: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    arrays: Mapping[str, Any]
    tree: InputOutputTree
    framework: str
    notes: tuple[str, ...] = field(default=())
    sizes: tuple[Size, ...] = ()
