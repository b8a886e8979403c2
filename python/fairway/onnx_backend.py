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
from fairway.ingest.onnx_weights import CONSTANT_INPUTS

__all__ = [
    "FairwayBackend",
    "FairwayBackendRep",
    "is_compatible",
    "prepare",
    "run_model",
    "run_node",
    "supports_device",
]


# Operands that choose which graph runs, and how often.
_CHOOSING: Mapping[str, frozenset[int]] = {"If": frozenset({0}), "Loop": frozenset({0, 1})}


class FairwayBackendRep(BackendRep):
    """A compiled model.

    An input where an operation wants a constant, such as the axes of a reduction, has no value
    before the first run: then a model is compiled for each of its values.

    Args:
        model: The model.
        options: Options of `fairway.compile`.
    """

    def __init__(self, model: onnx.ModelProto, options: Mapping[str, Any]) -> None:
        self._model = model
        self._options = options
        weights = {tensor.name for tensor in model.graph.initializer}
        self._names = [value.name for value in model.graph.input if value.name not in weights]
        self._deciding = _deciding(model.graph) & set(self._names)
        self._compiled: dict[tuple[Any, ...], Executable] = {}
        if not self._deciding:
            self._compiled[()] = compile_model(model, **options)

    def _executable(self, feeds: Mapping[str, np.ndarray[Any, Any]]) -> Executable:
        """The model compiled for the values of the inputs that decide something."""
        values = {name: feeds[name] for name in self._names if name in self._deciding & set(feeds)}
        key = tuple((name, array.tobytes(), array.shape) for name, array in values.items())
        if key not in self._compiled:
            model = onnx.ModelProto()
            model.CopyFrom(self._model)
            kept = [value for value in model.graph.input if value.name not in values]
            del model.graph.input[:]
            model.graph.input.extend(kept)
            model.graph.initializer.extend(
                onnx.numpy_helper.from_array(array, name) for name, array in values.items()
            )
            self._compiled[key] = compile_model(model, **self._options)
        return self._compiled[key]

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
            feeds = {name: _array(value) for name, value in inputs.items()}
        else:
            given = inputs if isinstance(inputs, (list, tuple)) else (inputs,)
            if len(given) > len(self._names):
                raise InvalidArgument(
                    f"the model takes {len(self._names)} inputs ({', '.join(self._names)}), "
                    f"not {len(given)}"
                )
            feeds = {name: _array(value) for name, value in zip(self._names, given, strict=False)}
        executable = self._executable(feeds)
        taken = {name: array for name, array in feeds.items() if name not in self._deciding}
        results = executable.run(taken)
        return tuple(_typed(results[spec.name], spec.dtype) for spec in executable.outputs)


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
        return FairwayBackendRep(model, kwargs)

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


def _deciding(graph: onnx.GraphProto) -> set[str]:
    """The names of values that have to be constants, or of which such a value is made."""
    names: set[str] = set()
    for node in reversed(graph.node):
        places = CONSTANT_INPUTS.get(node.op_type) or _CHOOSING.get(node.op_type, frozenset())
        if names & set(node.output) and node.op_type not in ("Shape", "Size"):
            places = frozenset(range(len(node.input)))
        names |= {node.input[place] for place in places if place < len(node.input)}
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names |= _deciding(attribute.g)
    return names - {""}


def _typed(result: Any, dtype: str) -> np.ndarray[Any, Any]:
    """A result; of bfloat16 with ONNX's own dtype for it, where the runtime gives bits."""
    array = np.asarray(result)
    if dtype != "bfloat16":
        return array
    return array.view(onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16))


def _array(value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    try:
        return np.asarray(value)
    except ValueError as error:  # tensors of several shapes in one list
        raise InvalidArgument(
            "an input is a sequence; inputs and outputs must be tensors",
            hint="pass one array for each input of the model",
        ) from error


def _value(name: str, dtype: Any, shape: Sequence[int]) -> onnx.ValueInfoProto:
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return onnx.helper.make_tensor_value_info(name, element, shape)


is_compatible = FairwayBackend.is_compatible
prepare = FairwayBackend.prepare
run_model = FairwayBackend.run_model
run_node = FairwayBackend.run_node
supports_device = FairwayBackend.supports_device
