# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairway.bench.contenders.base import Contender, Prepared, missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fairway.bench.subject import Kind, Subject

__all__ = ["contender", "match_names", "onnx_obstacle"]


def contender() -> Contender:
    """ONNX Runtime."""
    return _Measured()


class _Measured:
    """A session with all optimisations; NumPy arrays go in without a copy."""

    def obstacle(self, kind: Kind) -> str | None:
        return onnx_obstacle(kind) or missing("onnxruntime", "onnxruntime")

    def version(self) -> str:
        import onnxruntime

        return f"ONNX Runtime {onnxruntime.__version__}"

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        for name, size in subject.dims.items():
            options.add_free_dimension_override_by_name(name, size)
        session = onnxruntime.InferenceSession(
            str(subject.as_onnx()), options, providers=["CPUExecutionProvider"]
        )
        feeds = match_names(subject.feeds(), [node.name for node in session.get_inputs()])
        return Prepared(lambda: session.run(None, feeds), list)


def onnx_obstacle(kind: Kind) -> str | None:
    """Why a model cannot become ONNX."""
    if kind not in ("torch", "onnx"):
        return "runs only PyTorch and ONNX models"
    if kind == "torch":
        return missing("onnxscript", "onnxscript")
    return None


def match_names(feeds: dict[str, Any], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The inputs under the names of an exported model; by position where those differ."""
    if set(names) <= set(feeds):
        return {name: feeds[name] for name in names}
    return dict(zip(names, feeds.values(), strict=True))
