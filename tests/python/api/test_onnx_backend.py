# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's backend interface; tests/conformance/onnx runs ONNX's suite through it."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import fairway  # noqa: E402
from fairway import onnx_backend  # noqa: E402


@pytest.fixture(scope="module")
def model():
    """Returns `y, z = a @ b + c, relu(a @ b + c)` with c inside the model."""
    rng = np.random.default_rng()
    constant = rng.standard_normal((3,)).astype(np.float32)
    graph = onnx.parser.parse_graph(
        "g (float[2,4] a, float[4,3] b) => (float[2,3] y, float[2,3] z) "
        "{ p = MatMul(a, b)  y = Add(p, c)  z = Relu(y) }"
    )
    graph.initializer.append(onnx.numpy_helper.from_array(constant, "c"))
    built = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)])
    return built, constant.astype(np.float64)


def _inputs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng()
    a, b = rng.standard_normal((2, 4)), rng.standard_normal((4, 3))
    return a.astype(np.float32), b.astype(np.float32)


def test_prepares_once_and_runs_by_position_and_by_name(model):
    built, constant = model
    prepared = onnx_backend.prepare(built)
    for by_name in (False, True):
        a, b = _inputs()
        y, z = prepared.run({"a": a, "b": b} if by_name else [a, b])
        expected = a.astype(np.float64) @ b.astype(np.float64) + constant
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(z, np.maximum(expected, 0), rtol=1e-5, atol=1e-5)


def test_runs_a_model_on_tensor_protos(model):
    built, constant = model
    a, b = _inputs()
    protos = [onnx.numpy_helper.from_array(array) for array in (a, b)]
    y, _ = onnx_backend.run_model(built, protos, device="CPU:0")
    expected = a.astype(np.float64) @ b.astype(np.float64) + constant
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_runs_a_node_with_its_outputs_inferred():
    a, b = _inputs()
    node = onnx.helper.make_node("MatMul", ["a", "b"], ["y"])
    (y,) = onnx_backend.run_node(node, [a, b])
    np.testing.assert_allclose(y, a.astype(np.float64) @ b, rtol=1e-5, atol=1e-5)


def test_runs_a_node_of_an_older_operator_set_with_its_outputs_given():
    x = np.random.default_rng().standard_normal((3, 1, 2)).astype(np.float32)
    node = onnx.helper.make_node("Squeeze", ["x"], ["y"], axes=[1])
    (y,) = onnx_backend.run_node(
        node, [x], outputs_info=[(np.dtype(np.float32), (3, 2))], opset_version=11
    )
    np.testing.assert_array_equal(y, x[:, 0])


def test_refuses_other_devices_and_unknown_options(model):
    built, _ = model
    assert onnx_backend.supports_device("CPU")
    assert not onnx_backend.supports_device("CUDA")
    assert not onnx_backend.supports_device("toaster:1")
    with pytest.raises(fairway.InvalidArgument, match="for the CPU, not for 'CUDA'"):
        onnx_backend.prepare(built, "CUDA")
    with pytest.raises(fairway.InvalidArgument, match="unknown option 'fast'"):
        onnx_backend.prepare(built).run(list(_inputs()), fast=True)


def test_inputs_that_decide_shapes_are_compiled_in():
    graph = onnx.parser.parse_graph(
        "g (float[2,3,4] x, int64[n] axes, int64[1] count) => (float y, float z) {"
        "  one = Constant<value = int64[1] {1}>()"
        "  y = ReduceSum<keepdims = 0>(x, axes)"
        "  ends = Add(count, one)"
        "  starts = Constant<value = int64[1] {0}>()"
        "  z = Slice(x, starts, ends) }"
    )
    built = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    for output in built.graph.output:
        output.type.tensor_type.ClearField("shape")
    prepared = onnx_backend.prepare(built)
    x = np.random.default_rng().standard_normal((2, 3, 4)).astype(np.float32)
    for axes, count in (((0,), 0), ((1, 2), 1), ((-1,), 0)):
        y, z = prepared.run([x, np.array(axes, np.int64), np.array([count], np.int64)])
        np.testing.assert_allclose(y, x.astype(np.float64).sum(axes), rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(z, x[: count + 1])


def test_the_shape_of_an_input_decides_nothing_more():
    graph = onnx.parser.parse_graph(
        "g (float[2,3] x, float[3,2] y) => (float[3,2] z) { s = Shape(y) z = Reshape(x, s) }"
    )
    built = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    prepared = onnx_backend.prepare(built)
    x, y = np.random.default_rng().standard_normal((2, 6)).astype(np.float32)
    (z,) = prepared.run([x.reshape(2, 3), y.reshape(3, 2)])
    np.testing.assert_array_equal(z, x.reshape(3, 2))
