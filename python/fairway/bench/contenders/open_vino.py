# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""OpenVINO."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairway.bench.contenders.base import Contender, Prepared, missing
from fairway.bench.contenders.onnx_runtime import match_names, onnx_obstacle

if TYPE_CHECKING:
    from fairway.bench.subject import Kind, Subject

__all__ = ["contender"]


def contender() -> Contender:
    """OpenVINO."""
    return _Measured()


class _Measured:
    """One infer request, tuned for latency; inputs and outputs are shared, not copied."""

    def obstacle(self, kind: Kind) -> str | None:
        return onnx_obstacle(kind) or missing("openvino", "openvino")

    def version(self) -> str:
        return f"OpenVINO {import_module('openvino').__version__.partition('-')[0]}"

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        core: Any = import_module("openvino").Core()
        model = core.read_model(subject.as_onnx())
        names = [port.get_any_name() for port in model.inputs]
        feeds = match_names(subject.feeds(), names)
        model.reshape({name: array.shape for name, array in feeds.items()})
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",  # not bfloat16 where the CPU has it
                "INFERENCE_NUM_THREADS": threads,
            },
        )
        request = compiled.create_infer_request()

        def call() -> Any:
            return request.infer(feeds, share_inputs=True, share_outputs=True)

        return Prepared(call, lambda result: [result[port].copy() for port in compiled.outputs])
