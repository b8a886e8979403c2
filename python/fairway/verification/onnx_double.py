# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An ONNX model that computes in float64 what another computes in fewer bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["widen"]


def widen(model: Any, *, halves: bool = False) -> Any:
    """Turns every float32 tensor and type of a model into float64, in place.

    Args:
        model: A `ModelProto` with its weights.
        halves: Whether to do the same with float16 and bfloat16.

    Returns:
        The model.
    """
    import onnx

    proto = onnx.TensorProto
    double = int(proto.DOUBLE)
    kinds = (proto.FLOAT, proto.FLOAT16, proto.BFLOAT16) if halves else (proto.FLOAT,)
    narrow = {int(kind) for kind in kinds}
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        if value.type.tensor_type.elem_type in narrow:
            value.type.tensor_type.elem_type = double
    for tensor in model.graph.initializer:
        _widen_tensor(tensor, narrow)
    bodies = (model.graph.node, *(function.node for function in model.functions))
    for node in (node for nodes in bodies for node in _all_nodes(nodes)):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _widen_tensor(attribute.t, narrow)
            elif attribute.name in ("to", "dtype", "stash_type") and attribute.i in narrow:
                attribute.i = double
    return model


def _all_nodes(nodes: Iterable[Any]) -> Iterable[Any]:
    """The nodes and those of their subgraphs."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _all_nodes(attribute.g.node)


def _widen_tensor(tensor: Any, narrow: set[int]) -> None:
    import numpy as np
    import onnx

    if tensor.data_type in narrow:
        array = onnx.numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
