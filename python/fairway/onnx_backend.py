# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway as a backend in the sense of `onnx.backend.base`.

    import fairway.onnx_backend

    prepared = fairway.onnx_backend.prepare(model)      # an onnx.ModelProto
    outputs = prepared.run([x, y])                      # by the graph's order of inputs

ONNX's own conformance suite (`onnx.backend.test`) runs a backend through this interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep, Device, DeviceType

from fairway.driver import compile as compile_model
from fairway.errors import InvalidArgument
from fairway.executable import Executable

__all__ = [
    "FairwayBackend",
    "FairwayBackendRep",
    "is_compatible",
    "prepare",
    "run_model",
    "run_node",
    "supports_device",
]


class FairwayBackendRep(BackendRep):
    """A compiled model.

    Attributes:
        executable: What `fairway.compile` returned.
    """

    def __init__(self, executable: Executable) -> None:
        self.executable = executable

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Runs the model once.

        Args:
            inputs: Arrays by the graph's order of inputs, or by name; one array where the
                graph has one input. A `TensorProto` is taken for the array that it holds.
            kwargs: There are none; ONNX's interface has them.

        Returns:
            The graph's outputs in their order, as NumPy arrays.

        Raises:
            InvalidArgument: The inputs are not those of the model.
        """
        if kwargs:
            raise InvalidArgument(f"unknown option '{next(iter(kwargs))}' of run()")
        if isinstance(inputs, Mapping):
            arrays = {name: _array(value) for name, value in inputs.items()}
            outputs = self.executable(**arrays)
        elif isinstance(inputs, (list, tuple)):
            outputs = self.executable(*(_array(value) for value in inputs))
        else:
            outputs = self.executable(_array(inputs))
        outputs = outputs if isinstance(outputs, (list, tuple)) else (outputs,)
        return tuple(np.asarray(output) for output in outputs)


class FairwayBackend(Backend):
    """Compiles ONNX models for the machine's processor."""

    @classmethod
    def prepare(
        cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any
    ) -> FairwayBackendRep:
        """Compiles a model.

        Args:
            model: The model; its shapes may be symbolic.
            device: "CPU".
            kwargs: Options of `fairway.compile`.

        Raises:
            InvalidArgument: The device is not supported, or an option is unknown.
            InvalidModel: The model breaks ONNX's rules.
            UnsupportedOp: The model uses an operation that cannot be compiled.
        """
        if not cls.supports_device(device):
            raise InvalidArgument(
                f"the ONNX backend compiles for the CPU, not for '{device}'", hint="device='CPU'"
            )
        return FairwayBackendRep(compile_model(model, **kwargs))

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Compiles a model of one node and runs it once.

        Args:
            node: The node.
            inputs: Arrays in the order of the node's inputs.
            device: "CPU".
            outputs_info: The outputs' dtypes and shapes; inferred where not given.
            kwargs: Options of `fairway.compile`, and `opset_version`.
        """
        arrays = [_array(value) for value in inputs]
        version = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        described = [
            _value(name, array.dtype, array.shape)
            for name, array in zip((name for name in node.input if name), arrays)
        ]
        if outputs_info is None:
            results = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        else:
            results = [_value(name, *info) for name, info in zip(node.output, outputs_info)]
        graph = onnx.helper.make_graph([node], "node", described, results)
        opset = onnx.helper.make_opsetid(node.domain, version)
        model = onnx.helper.make_model(graph, opset_imports=[opset])
        model = onnx.shape_inference.infer_shapes(model)
        return cls.prepare(model, device, **kwargs).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models can be compiled for such a device: "CPU", "CPU:0" and so on."""
        try:
            return Device(device).type == DeviceType.CPU
        except (AttributeError, ValueError):
            return False


def _array(value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return np.asarray(value)


def _value(name: str, dtype: Any, shape: Sequence[int]) -> onnx.ValueInfoProto:
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return onnx.helper.make_tensor_value_info(name, element, shape)


is_compatible = FairwayBackend.is_compatible
prepare = FairwayBackend.prepare
run_model = FairwayBackend.run_model
run_node = FairwayBackend.run_node
supports_device = FairwayBackend.supports_device
