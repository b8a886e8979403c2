# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our bodies of layers (attention, windows, quantization, loops) compute what ONNX's do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
import onnx  # noqa: E402
from ingest_onnx_nodes import by_evaluator, by_onnxruntime, check, floats, model_of  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

import fairway  # noqa: E402

LENGTHS = np.array([5, 3], np.int64)
_CAPPED = {"qk_matmul_output_mode": 1}  # the evaluator gives these scores as mode 0, too
ATTENTIONS: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {
    "causal": ({}, 24, {"is_causal": 1}),
    "one query after a cache": ({"past": 4}, 24, {"is_causal": 1}),
    "a window": ({"past": 4}, 25, {"is_causal": 1, "left_window_size": 2}),
    "a window both ways": ({}, 25, {"left_window_size": 1, "right_window_size": 1}),
    "lengths of an external cache": ({"lengths": LENGTHS}, 24, {"is_causal": 1}),
    "boolean mask, shorter than the keys": ({"mask": np.bool_, "short": 1}, 24, {}),
    "float mask and a cap": ({"mask": np.float32, "past": 2}, 24, {"softcap": 2.0, **_CAPPED}),
    "shared keys": ({"groups": 2}, 24, {"is_causal": 1, "scale": 0.3}),
    "heads side by side": ({"groups": 2, "flat": True, "past": 2}, 24, {}),
    "probabilities": ({"mask": np.bool_, "past": 1}, 24, {"qk_matmul_output_mode": 3}),
    "masked scores": ({"past": 1}, 24, {"is_causal": 1, "qk_matmul_output_mode": 2}),
}


@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention(name: str) -> None:
    kind, opset, attributes = ATTENTIONS[name]
    batch, heads, queries, keys, width = 2, 4, 3, 6, 8
    groups, past = kind.get("groups", heads), kind.get("past", 0)
    inputs = {
        "q": floats(batch, heads, queries, width),
        "k": floats(batch, groups, keys, width),
        "v": floats(batch, groups, keys, width + 2),
    }
    if kind.get("flat"):
        inputs = {
            key: value.transpose(0, 2, 1, 3).reshape(batch, value.shape[2], -1)
            for key, value in inputs.items()
        }
        attributes = {**attributes, "q_num_heads": heads, "kv_num_heads": groups}
    optional: dict[str, Any] = {"mask": None, "past_k": None, "past_v": None, "lengths": None}
    if "mask" in kind:
        shape = (queries, past + keys - kind.get("short", 0))
        mask = np.random.default_rng().random(shape) < 0.7
        mask[0] = False  # a query without a key
        optional["mask"] = mask if kind["mask"] is np.bool_ else floats(*shape)
    if past:
        optional["past_k"] = floats(batch, groups, past, width)
        optional["past_v"] = floats(batch, groups, past, width + 2)
    optional["lengths"] = kind.get("lengths")
    given = {**inputs, **{key: value for key, value in optional.items() if value is not None}}
    outputs = 4 if past or "qk_matmul_output_mode" in attributes else 1
    names = [*inputs, *(key if value is not None else "" for key, value in optional.items())]
    model = model_of("Attention", given, outputs=outputs, opset=opset, names=names, **attributes)
    wanted = ReferenceEvaluator(model).run(None, given)
    for ours, theirs in zip(fairway.compile(model).run(given).values(), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "attributes",
    [
        {"group": 2},
        {"group": 2, "strides": [2, 3], "output_padding": [1, 1], "pads": [1, 0, 1, 0]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"output_shape": [10, 9], "strides": [2, 2], "group": 2},
        {"pads": [0, 1, 1, 0], "dilations": [2, 1]},
    ],
)
def test_transposed_convolution(attributes: dict[str, Any]) -> None:
    inputs = {"x": floats(2, 4, 5, 4), "w": floats(4, 3, 3, 3)}
    bias = [floats(3 * attributes.get("group", 1))]
    check(model_of("ConvTranspose", inputs, bias, **attributes), inputs)


@pytest.mark.parametrize(
    "attributes",
    [
        {"p": 1, "pads": [1, 0, 0, 1]},
        {"p": 2, "auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"p": 3, "dilations": [2, 2], "auto_pad": "VALID"},
    ],
)
def test_power_pooling(attributes: dict[str, Any]) -> None:
    x = floats(2, 3, 9, 8)
    check(model_of("LpPool", {"x": x}, kernel_shape=[3, 2], **attributes), {"x": x})


@pytest.mark.parametrize("auto_pad", ["NOTSET", "SAME_LOWER"])
def test_dilated_means_count_their_padding(auto_pad: str) -> None:
    x, pads = {"x": floats(2, 3, 9, 8)}, {"pads": [2, 1, 2, 1]}
    names = {"kernel_shape": [3, 2], "dilations": [2, 2], "strides": [2, 1], "count_include_pad": 1}
    # ONNX Runtime and ONNX's evaluator disagree on what the padding of SAME_LOWER is where there
    # are dilations; here it is what the standard's formula gives.
    (wanted,) = by_onnxruntime(model_of("AveragePool", x, **names, **pads), x)
    given = pads if auto_pad == "NOTSET" else {"auto_pad": auto_pad}
    (found,) = fairway.compile(model_of("AveragePool", x, **names, **given)).run(x).values()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_convolution_of_integers_pads_with_what_stands_for_zero() -> None:
    generator = np.random.default_rng()
    inputs = {"x": generator.integers(0, 255, (1, 2, 5, 5)).astype(np.uint8)}
    weight = generator.integers(0, 255, (3, 2, 3, 3)).astype(np.uint8)
    constants = [weight, np.array(7, np.uint8)]
    model = model_of("ConvInteger", inputs, constants, pads=[1, 0, 1, 2])
    reference = helper.make_model(model.graph, opset_imports=model.opset_import)
    wanted = by_evaluator(reference, inputs)
    (ours,) = fairway.compile(model).run(inputs).values()
    np.testing.assert_array_equal(ours, wanted[0])


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("corners", [0, 1])
def test_grid_sample(mode: str, padding: str, corners: int) -> None:
    """Places far outside of the image, and one that is no number, read nothing beyond it."""
    grid = 3 * floats(2, 6, 5, 2)
    grid[0, 0, 0] = 1e4
    inputs = {"image": floats(2, 3, 4, 7), "grid": grid}
    attributes = {"mode": mode, "padding_mode": padding, "align_corners": corners}
    model = model_of("GridSample", inputs, **attributes)
    check(model, inputs)
    grid[1, 1, 1] = np.nan
    (found,) = fairway.compile(model).run(inputs).values()
    kept = np.ones(found.shape, bool)
    kept[1, :, 1, 1] = False
    (wanted,) = by_onnxruntime(model, inputs)
    np.testing.assert_allclose(found[kept], wanted[kept], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("kind", ["one", "axis", "block"])
def test_quantize_and_back(dtype: type, kind: str) -> None:
    generator, limits = np.random.default_rng(), np.iinfo(dtype)
    shape = {"one": (), "axis": (4,), "block": (3, 2)}[kind]
    scale = (0.02 + 0.02 * generator.random(shape)).astype(np.float32)
    zero = generator.integers(limits.min, limits.max, shape).astype(dtype)
    attributes = {"one": {}, "axis": {"axis": 1}, "block": {"axis": 1, "block_size": 2}}[kind]
    x = floats(3, 4)
    x[0, 0] = 1e6  # out of range
    model = model_of("QuantizeLinear", {"x": x}, [scale, zero], opset=21, **attributes)
    check(model, {"x": x}, True, by_evaluator)
    q = generator.integers(limits.min, limits.max, (3, 4)).astype(dtype)
    model = model_of("DequantizeLinear", {"q": q}, [scale, zero], opset=21, **attributes)
    check(model, {"q": q}, reference=by_evaluator)


@pytest.mark.parametrize(("left", "right"), [((5,), (2, 5, 4)), ((2, 3, 5), (5,)), ((5,), (5,))])
def test_products_of_vectors(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    inputs = {"a": floats(*left), "b": floats(*right)}
    (ours,) = fairway.compile(model_of("MatMul", inputs)).run(inputs).values()
    np.testing.assert_allclose(ours, inputs["a"] @ inputs["b"], rtol=1e-4, atol=1e-5)


def test_range_of_halves() -> None:
    constants = [np.array(value, np.float16) for value in (1, 5, 0.5)]
    x = np.zeros(1, np.float16)
    values = helper.make_node("Range", ["start", "limit", "step"], ["r"])
    graph = helper.make_graph(
        [values, helper.make_node("Add", ["r", "x"], ["y"])],
        "range",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT16, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT16, [8])],
        [
            onnx.numpy_helper.from_array(value, name)
            for value, name in zip(constants, ("start", "limit", "step"), strict=True)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    (ours,) = fairway.compile(model).run({"x": x}).values()
    np.testing.assert_array_equal(ours, np.arange(1, 5, 0.5, np.float16))


def test_dropout_that_was_left_in() -> None:
    x = floats(3, 4)
    model = model_of("Dropout", {"x": x}, [np.array(0.5, np.float32), np.array(False)], 2)
    kept, mask = fairway.compile(model).run({"x": x}).values()
    np.testing.assert_array_equal(kept, x)
    assert mask.dtype == np.bool_ and mask.all()


@pytest.mark.parametrize("backwards", [0, 1])
def test_scan(backwards: int) -> None:
    """Running sums that are also returned scaled, over the second axis."""
    scalar = helper.make_tensor("scale", TensorProto.FLOAT, [], [2.0])
    body = helper.make_graph(
        [
            helper.make_node("Add", ["state", "part"], ["next"]),
            helper.make_node("Mul", ["next", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "outer"], ["told"]),
        ],
        "body",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("state", "part")],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("next", "told")],
        [scalar],
    )
    node = helper.make_node(
        "Scan", ["start", "x"], ["last", "all"], body=body, num_scan_inputs=1, name="scan",
        scan_input_axes=[1], scan_output_axes=[1],
        scan_input_directions=[backwards], scan_output_directions=[backwards],
    )  # fmt: skip
    inputs = {"start": floats(3), "x": floats(3, 5), "outer": floats(3)}
    graph = helper.make_graph(
        [node],
        "scan",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape)
            for name, value in inputs.items()
        ],
        [
            helper.make_tensor_value_info("last", TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("all", TensorProto.FLOAT, [3, 5]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    x = inputs["x"][:, ::-1] if backwards else inputs["x"]
    sums = inputs["start"][:, None] + np.cumsum(x, 1)
    told = 2 * sums + inputs["outer"][:, None]
    last, found = fairway.compile(model).run(inputs).values()
    np.testing.assert_allclose(last, sums[:, -1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found, told[:, ::-1] if backwards else told, rtol=1e-4, atol=1e-5)
