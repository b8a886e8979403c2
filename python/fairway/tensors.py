# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tensors of a model's arguments and results, as NumPy arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from fairway.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fairway.program import TensorSpec

__all__ = ["as_array", "draw", "leaves", "shape_text"]


def leaves(value: Any) -> list[Any]:
    """The tensors in nested lists, tuples, dicts and records, in order."""
    if isinstance(value, Mapping):
        return [leaf for item in cast("Mapping[Any, Any]", value).values() for leaf in leaves(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in cast("list[Any]", value) for leaf in leaves(item)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [leaf for f in dataclasses.fields(value) for leaf in leaves(getattr(value, f.name))]
    return [value] if hasattr(value, "shape") and hasattr(value, "dtype") else []


def as_array(tensor: Any) -> NDArray[Any]:
    """A NumPy array of a tensor's values; bfloat16 becomes float32."""
    import numpy as np

    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":
            tensor = tensor.float()
        return tensor.numpy()
    return np.asarray(tensor)


def shape_text(shape: Sequence[int | str]) -> str:
    """A shape for people: `[batch, 3]`."""
    return f"[{', '.join(map(str, shape))}]"


def draw(specs: Sequence[TensorSpec], seed: int = 0) -> dict[str, NDArray[Any]]:
    """Random inputs by name: normal values; for integers 0 and 1, which fit every table.

    Raises:
        InvalidArgument: An input is bfloat16, which NumPy lacks, or its shape is open.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    feeds: dict[str, NDArray[Any]] = {}
    for spec in specs:
        if not spec.is_static:
            raise InvalidArgument(
                f"random values for the input '{spec.name}' cannot be made: its shape "
                f"{shape_text(spec.shape)} is open",
                hint="say at which sizes, see Executable.inputs_at",
            )
        shape = tuple(int(extent) for extent in spec.shape)
        if spec.dtype == "bfloat16":
            raise InvalidArgument(
                f"random values for the bfloat16 input '{spec.name}' cannot be made"
            )
        if spec.dtype.startswith("float"):
            feeds[spec.name] = generator.standard_normal(shape).astype(spec.dtype)
        else:
            feeds[spec.name] = generator.integers(0, 2, shape).astype(spec.dtype)
    return feeds
