# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic without a sign, with NaN and beyond a float's digits is as ONNX says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fairway

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")

BINARY = ["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Pow"]
UNARY = ["Neg", "Abs", "Sign", "Clip", "Relu"]
COMPARED = ["Less", "LessOrEqual", "Greater", "Equal"]


def model(operations: list[str], dtype: Any, size: int) -> Any:
    """One graph of operations on x and y; bounds of `Clip` are constants."""
    helper, number = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    low = 1 if np.dtype(dtype).kind == "u" else -2
    constants = {"low": np.array(low, dtype), "high": np.array(100, dtype)}
    nodes, outputs = [], []
    for operation in operations:
        inputs = ["x"] if operation in UNARY else ["x", "small" if operation == "Pow" else "y"]
        inputs += ["low", "high"] if operation == "Clip" else []
        is_float = np.dtype(dtype).kind == "f"
        attributes = {"fmod": 1} if operation == "Mod" and is_float else {}
        nodes.append(helper.make_node(operation, inputs, [operation], **attributes))
        kind = onnx.TensorProto.BOOL if operation in COMPARED else number
        outputs.append(helper.make_tensor_value_info(operation, kind, [size]))
    names = sorted({name for node in nodes for name in node.input} - set(constants))
    graph = helper.make_graph(
        nodes,
        "numbers",
        [helper.make_tensor_value_info(name, number, [size]) for name in names],
        outputs,
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def check(operations: list[str], **arrays: np.ndarray[Any, Any]) -> None:
    x = arrays["x"]
    made = model(operations, x.dtype, x.size)
    names = [value.name for value in made.graph.input]
    with np.errstate(all="ignore"):
        wanted = reference.ReferenceEvaluator(made).run(None, {n: arrays[n] for n in names})
    found = fairway.compile(made)(*(arrays[name] for name in names))
    for name, got, want in zip(operations, found, wanted, strict=True):
        assert np.asarray(got).dtype == want.dtype, name
        np.testing.assert_allclose(got, want, rtol=2e-3 if x.dtype.kind == "f" else 0,
                                   equal_nan=True, err_msg=name)  # fmt: skip


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("sign", ["u", ""])
def test_whole_numbers(sign: str, bits: int) -> None:
    dtype = f"{sign}int{bits}"
    limits, random = np.iinfo(dtype), np.random.default_rng()
    x = random.integers(limits.min, limits.max, 12, dtype=dtype, endpoint=True)
    x[:3] = limits.max, limits.min, limits.max - 1
    y = random.integers(1, min(limits.max, 1000) // 2, 12).astype(dtype)
    y[4] = limits.max - 1
    operations = [*BINARY, *UNARY, *COMPARED]
    if limits.min == 0:
        operations.remove("Neg")
    if dtype not in ("int32", "int64"):  # ONNX raises 32 bits and more to a power
        operations.remove("Pow")
    if limits.min == 0:
        operations.remove("Relu")
    check(operations, x=x, y=y, small=(y % 5).astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_floats_keep_nan(dtype: str) -> None:
    random = np.random.default_rng()
    x, y = (random.normal(size=(2, 12)) * 5).astype(dtype)
    x[:2], y[1:3] = (np.nan, np.inf), np.nan
    # The remainder of 16-bit floats is that of a rounded quotient.
    left_out = ("Pow", "Mod") if dtype == "float16" else ("Pow",)
    operations = [name for name in (*BINARY, *UNARY, *COMPARED) if name not in left_out]
    check(operations, x=x, y=y)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 1)])
@pytest.mark.parametrize("exponent", [9, 16, -9, -12, 25, 8, 2.5])
def test_large_powers(exponent: float, shape: tuple[int, ...], dtype: str) -> None:
    helper = onnx.helper
    x = np.random.default_rng().uniform(0.7, 1.4, 12).astype(dtype)
    x[:6] = -x[:6] if float(exponent).is_integer() else x[:6]
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        [helper.make_node("Pow", ["x", "exponent"], ["y"])],
        "power",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, np.broadcast_shapes(x.shape, shape))],
        [onnx.numpy_helper.from_array(np.full(shape, exponent, dtype), "exponent")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    wanted = np.power(x.astype(np.float64), exponent).astype(dtype)
    (found,) = fairway.compile(made).run({"x": x}).values()
    assert found.dtype == x.dtype
    assert found.shape == np.broadcast_shapes(x.shape, shape)
    np.testing.assert_allclose(
        found, np.broadcast_to(wanted, found.shape), rtol=8 * np.finfo(dtype).eps
    )
