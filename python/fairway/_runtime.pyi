# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loads and runs compiled models: the bindings of libfairway_runtime.

Tensors go in as anything that has DLPack or the buffer protocol on the CPU (NumPy
arrays, torch tensors, ...) and are used in place, without a copy, when they are
contiguous and aligned to 64 bytes; others are copied first. bfloat16, which NumPy
lacks, comes out as uint16 holding the bits and may go in the same way.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Literal

from numpy.typing import NDArray

version: str
"""Version of the runtime library."""

class Status(IntEnum):
    """What a call ended with; see fairway/Runtime/runtime.h."""

    OK = 0
    INVALID_ARGUMENT = 1
    """A wrong count, shape, dtype or device; the message names the tensor."""
    FILE_NOT_FOUND = 2
    NOT_AN_ARTEFACT = 3
    """The file is no compiled model."""
    TRUNCATED = 4
    """The file is shorter than its own headers say."""
    WRONG_ARCHITECTURE = 5
    WRONG_ABI = 6
    """Written by another version of Fairway: compile the model again."""
    MISSING_CPU_FEATURE = 7
    CORRUPT = 8
    NOT_PREPARED = 9
    """Parameters are needed first."""
    OUT_OF_MEMORY = 10
    SYSTEM_ERROR = 11

class Error(RuntimeError):
    """What the runtime refused; the text is one English sentence."""

    code: Status

class TensorInfo:
    """An input, output, parameter or constant."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str:
        """NumPy's name of the element type, or "bfloat16"."""
    @property
    def shape(self) -> tuple[int | str, ...]:
        """An extent that varies is an expression of sizes: "batch", "2*length + 1"."""
    @property
    def nbytes(self) -> int:
        """The size in bytes; if it varies, an example."""

class BufferInfo:
    """What a kernel reads or writes."""

    @property
    def space(self) -> Literal["arena", "input", "output", "constant", "sizes"]: ...
    @property
    def index(self) -> int:
        """The number of the input, output or constant.

        In the arena it is 0, or the number of an allocation as long as the sizes of a
        model are open.
        """
    @property
    def offset(self) -> int:
        """Bytes from the start of the arena, allocation or tensor."""
    @property
    def nbytes(self) -> int: ...
    @property
    def written(self) -> bool: ...
    @property
    def lifetime(self) -> tuple[int, int] | None:
        """The first and the last step that uses the memory; None outside the arena."""

class StepInfo:
    """One kernel call of a plan."""

    @property
    def name(self) -> str: ...
    @property
    def tiles(self) -> int:
        """Units of parallel work; 1 means that one thread does it all."""
    @property
    def flops(self) -> int: ...
    @property
    def bytes(self) -> int:
        """Bytes read and written."""
    @property
    def barrier(self) -> bool:
        """Whether all workers meet before it."""
    @property
    def buffers(self) -> list[BufferInfo]:
        """The kernel's arguments."""
    @property
    def dimensions(self) -> list[tuple[int, int]]:
        """Extent and tile of each dimension of the result, outermost first.

        Empty if the result is not divided.
        """
    @property
    def config(self) -> str:
        """How the kernel was made, `tile = [64, 3], rows = 6`; empty if that is unknown."""

class Binding:
    """A model at certain sizes: an ordinary description, in which nothing varies."""

    @property
    def sizes(self) -> list[int]:
        """The sizes, in the order of `Model.sizes`."""
    @property
    def inputs(self) -> list[TensorInfo]: ...
    @property
    def outputs(self) -> list[TensorInfo]: ...
    @property
    def steps(self) -> list[StepInfo]: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def scratch_bytes(self) -> int:
        """For each worker."""

class Model:
    """A compiled model loaded from `path`.

    A model may leave sizes open; `run` then takes them from its inputs. What varies
    with them is an example in the properties, and has its value in `at`.

    `run`, `profile` and the properties may be used from many threads at once;
    `set_parameters` and `prepare` need the model for themselves.

    Raises:
        Error: The file is missing, no model, damaged, for another Fairway or CPU.
    """

    def __init__(self, path: str) -> None: ...
    @property
    def inputs(self) -> list[TensorInfo]: ...
    @property
    def outputs(self) -> list[TensorInfo]: ...
    @property
    def sizes(self) -> list[tuple[str, int, int | None]]:
        """The open sizes: name, minimum, and maximum or None."""
    def at(self, sizes: Sequence[int] | None = None) -> Binding:
        """The model at certain sizes.

        Args:
            sizes: A number for each of `self.sizes`; None for the sizes of the example
                that the properties give.

        Raises:
            Error: INVALID_ARGUMENT: the model was not compiled for these sizes.
        """
    @property
    def parameters(self) -> list[TensorInfo]: ...
    @property
    def constants_info(self) -> list[tuple[TensorInfo, int]]:
        """Each constant with its offset in the weights section."""
    @property
    def steps(self) -> list[StepInfo]: ...
    @property
    def prepare_steps(self) -> list[StepInfo]: ...
    @property
    def has_weights(self) -> bool:
        """Whether the weights are in the file."""
    @property
    def is_prepared(self) -> bool:
        """Whether the model can be run."""
    @property
    def metadata(self) -> bytes:
        """What the front end stored; JSON."""
    @property
    def version(self) -> str:
        """The Fairway that compiled the model."""
    @property
    def triple(self) -> str: ...
    @property
    def cpu(self) -> str: ...
    @property
    def features(self) -> str: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def scratch_bytes(self) -> int:
        """For each worker."""
    def set_parameters(self, parameters: Sequence[Any]) -> None:
        """Gives the model its parameters, in the order of `parameters`.

        Nothing is copied that is contiguous and aligned; the tensors are kept alive
        until `prepare` returns, those that the model uses directly as long as it needs
        them.

        Raises:
            Error: INVALID_ARGUMENT: wrong count, shape, dtype or device.
        """
    def prepare(self, threads: int = 0) -> None:
        """Computes the prepared weights from the parameters, with the GIL released."""
    def constant_view(self, index: int) -> NDArray[Any]:
        """The value of a constant as a read-only array, valid until the next `prepare`."""
    def run(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any] | None = None,
        threads: int = 0,
    ) -> list[Any]:
        """Computes the outputs, with the GIL released.

        Args:
            inputs: One tensor for each of `self.inputs`.
            outputs: Contiguous writable tensors to write to; None for new NumPy arrays,
                each owning memory aligned to 64 bytes.
            threads: Most threads to use; 0 for one a physical core.

        Returns:
            `outputs`, or the new arrays.

        Raises:
            Error: INVALID_ARGUMENT naming the tensor or size, NOT_PREPARED,
                OUT_OF_MEMORY.
        """
    def profile(self, inputs: Sequence[Any], threads: int = 0) -> list[float]:
        """Runs once and returns the seconds that each of `self.steps` took."""

def default_threads() -> int:
    """Number of threads used where 0 is asked for: usable physical cores."""

def cpu_has_feature(name: str) -> bool | None:
    """Whether this CPU has a feature, by LLVM's name; None for an unknown name."""
