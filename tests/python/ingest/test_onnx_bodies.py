# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our bodies of ONNX operations compute what ONNX Runtime does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from ingest_onnx_nodes import by_evaluator, by_onnxruntime, check, floats, model_of  # noqa: E402

import fairway  # noqa: E402


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("largest", [0, 1])
def test_top_k(axis: int, largest: int) -> None:
    x = floats(5, 6, 7)
    constants = [np.array([3], np.int64)]
    check(model_of("TopK", {"x": x}, constants, 2, axis=axis, largest=largest), {"x": x}, True)


def test_top_k_of_equal_elements() -> None:
    x = np.random.default_rng().integers(0, 3, (4, 12))
    check(model_of("TopK", {"x": x}, [np.array([5], np.int64)], 2, axis=1), {"x": x}, True)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
@pytest.mark.parametrize("axis", [0, 1])
def test_scatter_elements(reduction: str, axis: int) -> None:
    generator = np.random.default_rng()
    data, updates = floats(5, 6), floats(3, 4)
    indices = np.stack([generator.permutation(5)[:4] for _ in range(3)])  # no place twice
    indices = indices if axis == 1 else generator.permutation(15).reshape(3, 5)[:, :4] % 5
    if axis == 0:
        indices = np.stack([generator.permutation(5)[:3] for _ in range(4)], 1)
    indices = np.where(generator.random(indices.shape) < 0.3, indices - data.shape[axis], indices)
    inputs = {"data": data, "indices": indices.astype(np.int64), "updates": updates}
    check(model_of("ScatterElements", inputs, axis=axis, reduction=reduction), inputs)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize(
    "transformation",
    ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "asymmetric"],
)
@pytest.mark.parametrize("scales", [(1.0, 1.0, 1.5, 2.0), (1.0, 1.0, 0.6, 0.8)])
def test_resize(mode: str, transformation: str, scales: tuple[float, ...]) -> None:
    x = floats(1, 2, 6, 8)
    constants = [None, np.array(scales, np.float32)]
    names = {"mode": mode, "coordinate_transformation_mode": transformation}
    check(model_of("Resize", {"x": x}, constants, **names), {"x": x})


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_resize_with_the_corners_aligned(mode: str) -> None:
    """Of a size that the scale does not give whole, the standard takes the fraction."""
    x = floats(1, 1, 6, 8)
    constants = [None, np.array([1, 1, 0.6, 1.3], np.float32)]
    names = {"mode": mode, "coordinate_transformation_mode": "align_corners"}
    check(model_of("Resize", {"x": x}, constants, **names), {"x": x}, reference=by_evaluator)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("axis", [0, -1])
def test_running_sum(axis: int, reverse: int, exclusive: int) -> None:
    x = floats(3, 5)
    names = {"reverse": reverse, "exclusive": exclusive}
    check(model_of("CumSum", {"x": x}, [np.array(axis)], **names), {"x": x})


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, -1])
def test_normalization_of_nothing(p: int, axis: int) -> None:
    x = floats(3, 4)
    x[1], x[:, 2] = 0, 0
    model = model_of("LpNormalization", {"x": x}, p=p, axis=axis)
    with np.errstate(invalid="ignore"):
        check(model, {"x": x}, reference=by_onnxruntime)


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("right", [0, 1])
def test_product_with_a_factor(left: int, right: int) -> None:
    a, b = floats(3, 4), floats(4, 5)
    inputs = {"a": a.T.copy() if left else a, "b": b.T.copy() if right else b}
    check(model_of("Gemm", inputs, alpha=0.5, transA=left, transB=right), inputs)


@pytest.mark.parametrize("axes", [None, [1, -1]])
def test_pad_wraps(axes: list[int] | None) -> None:
    x = floats(2, 3, 4)
    pads = [0, 2, 5, 1, 0, 3] if axes is None else [2, 5, 0, 3]
    constants = [np.array(pads, np.int64)]
    constants += [] if axes is None else [None, np.array(axes, np.int64)]
    # ONNX Runtime 1.23, Python 3.10's newest, gets it wrong.
    check(model_of("Pad", {"x": x}, constants, mode="wrap"), {"x": x}, True, by_evaluator)


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_bit_shift(direction: str) -> None:
    x = np.random.default_rng().integers(0, 255, (3, 5)).astype(np.uint8)
    shift = np.array([0, 1, 7, 8, 200], np.uint8)
    inputs = {"x": x, "shift": np.broadcast_to(shift, x.shape).copy()}
    check(model_of("BitShift", inputs, direction=direction), inputs, True, by_evaluator)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_dequantize_linear(dtype: type) -> None:
    generator = np.random.default_rng()
    limits = np.iinfo(dtype)
    x = generator.integers(limits.min, limits.max, (2, 3, 4), dtype)
    constants = [floats(3), generator.integers(limits.min, limits.max, 3, dtype)]
    check(model_of("DequantizeLinear", {"x": x}, constants, axis=1), {"x": x})


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
def test_resize_rounds(rounding: str) -> None:
    x = floats(1, 1, 4, 5)
    constants = [None, None, np.array([1, 1, 7, 8], np.int64)]
    check(model_of("Resize", {"x": x}, constants, mode="nearest", nearest_mode=rounding), {"x": x})


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("option", [{"antialias": 1}, {"exclude_outside": 1}])
def test_resize_to_less(mode: str, option: dict[str, int]) -> None:
    if mode == "linear" and "exclude_outside" in option:
        option = {"antialias": 1, "exclude_outside": 1}
    x = floats(1, 1, 9, 10)
    constants = [None, np.array([1, 1, 0.5, 0.6], np.float32)]
    check(model_of("Resize", {"x": x}, constants, mode=mode, **option), {"x": x})


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_resize_keeps_the_aspect_ratio(policy: str) -> None:
    x = floats(1, 1, 4, 8)
    constants = [None, None, np.array([7, 9], np.int64)]
    names = {"mode": "linear", "keep_aspect_ratio_policy": policy, "axes": [2, 3]}
    check(model_of("Resize", {"x": x}, constants, **names), {"x": x})


@pytest.mark.parametrize(
    ("starts", "ends", "steps"),
    [([6, 4], [0, 0], [-1, -2]), ([-1, 20], [-9, 1], [-2, -1]), ([5, 1], [1, 4], [-3, 2])],
)
def test_slices_that_walk_backwards(starts: list[int], ends: list[int], steps: list[int]) -> None:
    x = floats(3, 7, 5)
    constants = [np.array(values, np.int64) for values in (starts, ends, [1, -1], steps)]
    check(model_of("Slice", {"x": x}, constants), {"x": x}, True)


@pytest.mark.parametrize(("batch", "time"), [(1, 0), (0, 1)])
def test_reversed_sequences(batch: int, time: int) -> None:
    x = floats(4, 4, 3)
    inputs = {"x": x, "lengths": np.array([1, 4, 2, 3])}
    check(model_of("ReverseSequence", inputs, batch_axis=batch, time_axis=time), inputs, True)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("each", [False, True])
def test_products_of_stacks_of_quantized_matrices(dtype: type, each: bool) -> None:
    generator, limits = np.random.default_rng(), np.iinfo(dtype)

    def numbers(*shape: int) -> np.ndarray:
        return generator.integers(limits.min, limits.max, shape).astype(dtype)

    inputs = {"a": numbers(2, 3, 4), "b": numbers(2, 4, 5)}
    columns = (5,) if each else ()
    scales = (np.float32(0.02), (0.01 + generator.random(columns)).astype(np.float32))
    given = {
        "a": inputs["a"], "a_scale": scales[0], "a_zero": numbers(),
        "b": inputs["b"], "b_scale": scales[1], "b_zero": numbers(*columns),
        "y_scale": np.float32(1.5), "y_zero": numbers(),
    }  # fmt: skip
    given = {name: np.asarray(value) for name, value in given.items()}
    check(model_of("QLinearMatMul", given), given, True, by_evaluator)


def test_shifts_keep_the_sign() -> None:
    x = np.array([-8, 7, -1, -128], np.int8)
    shift = np.array([1, 8, 100, 7], np.int8)
    inputs = {"x": x, "shift": shift}
    (ours,) = (
        fairway.compile(model_of("BitShift", inputs, direction="RIGHT", opset=26))
        .run(inputs)
        .values()
    )
    np.testing.assert_array_equal(ours, x.astype(np.int64) >> np.minimum(shift, 7))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_with_weights(reduction: str) -> None:
    scores, weights = floats(6, 5), np.abs(floats(5)) / 4
    labels = np.random.default_rng().integers(0, 5, 6)
    inputs = {"scores": scores, "labels": labels, "weights": weights}
    model = model_of("SoftmaxCrossEntropyLoss", inputs, reduction=reduction)
    (ours,) = fairway.compile(model).run(inputs).values()
    np.testing.assert_allclose(ours, by_onnxruntime(model, inputs)[0], rtol=1e-4, atol=1e-5)
