# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of one ONNX node, and what compares our bodies of its operation with others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import fairway
from fairway.ingest.onnx_bodies import BODIES, replace
from fairway.ingest.onnx_fold import small_constants, static_shapes

OPSET = 20


def model_of(
    operation: str,
    inputs: dict[str, np.ndarray],
    constants: list[Any] = (),  # type: ignore[assignment]
    outputs: int = 1,
    opset: int = OPSET,
    names: list[str] | None = None,
    **attributes: Any,
) -> Any:
    """A model of one node that takes the inputs and then the constants; None is left out.

    `names` are the inputs in the node's order, with "" for those left out.
    """
    names, initializers = list(inputs) if names is None else names, []
    for number, value in enumerate(constants):
        names.append("" if value is None else f"c{number}")
        if value is not None:
            initializers.append(numpy_helper.from_array(np.asarray(value), f"c{number}"))
    results = [f"y{number}" for number in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(operation, names, results, name="node", **attributes)],
        "graph",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in inputs.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in results],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def by_onnxruntime(model: Any, inputs: dict[str, np.ndarray]) -> list[Any]:
    model.ir_version = 9
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, inputs)


def by_evaluator(model: Any, inputs: dict[str, np.ndarray]) -> list[Any]:
    return ReferenceEvaluator(model).run(None, inputs)


def check(
    model: Any,
    inputs: dict[str, np.ndarray],
    exact: bool = False,
    reference: Callable[[Any, dict[str, np.ndarray]], list[Any]] = by_onnxruntime,
) -> None:
    """Compares the body with another's results, and what is compiled, too."""
    wanted = reference(model, inputs)
    replaced = onnx.ModelProto()
    replaced.CopyFrom(model)
    graph = replaced.graph
    assert replace(graph, set(BODIES), static_shapes(graph), small_constants(graph)) == 1
    operation = model.graph.node[0].op_type
    if operation not in ("BitShift", "ConvTranspose"):  # whose bodies use what is easier of it
        assert operation not in {node.op_type for node in graph.node}
    compiled = fairway.compile(model)
    for found in (ReferenceEvaluator(replaced).run(None, inputs), compiled.run(inputs).values()):
        for got, want in zip(found, wanted, strict=True):
            assert got.dtype == want.dtype
            if exact:
                np.testing.assert_array_equal(got, want)
            else:
                np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng().standard_normal(shape).astype(np.float32)
