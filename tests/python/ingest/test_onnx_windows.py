# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is compiled of operations on windows and caches is what others compute of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from ingest_onnx_models import model, value  # noqa: E402
from onnx import helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

import fairway  # noqa: E402


def model_of(
    operation: str,
    inputs: dict[str, np.ndarray],
    weights: dict[str, np.ndarray] | None = None,
    names: list[str] | None = None,
    outputs: int = 1,
    opset: int = 20,
    **attributes: Any,
) -> Any:
    """A model of one node that takes the inputs and then the weights, or what `names` says."""
    weights = weights or {}
    results = [f"y{number}" for number in range(outputs)]
    node = helper.make_node(operation, names or [*inputs, *weights], results, **attributes)
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in inputs.items()}
    given = [value(name, list(array.shape), kinds[name]) for name, array in inputs.items()]
    kind = kinds[next(iter(inputs))]
    return model([node], given, [value(name, None, kind) for name in results], weights, opset)


def check(proto: Any, inputs: dict[str, np.ndarray], wanted: list[Any]) -> None:
    for got, want in zip(fairway.compile(proto).run(inputs).values(), wanted, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng().standard_normal(shape).astype(np.float32)


def counts(image: list[int], block: list[int], names: dict[str, list[int]]) -> list[int]:
    rank = len(image)
    strides, dilations = names.get("strides", [1] * rank), names.get("dilations", [1] * rank)
    pads = names.get("pads", [0] * 2 * rank)
    ends = [pads[i] + pads[rank + i] - dilations[i] * (block[i] - 1) - 1 for i in range(rank)]
    return [(image[i] + ends[i]) // strides[i] + 1 for i in range(rank)]


@pytest.mark.parametrize(
    ("image", "block", "names"),
    [
        ([5, 6], [2, 3], {}),
        ([6, 8], [2, 4], {"strides": [2, 4]}),
        ([7, 9], [3, 2], {"strides": [2, 3], "pads": [1, 0, 2, 1]}),
        ([8, 9], [3, 2], {"dilations": [2, 3], "strides": [1, 2], "pads": [0, 2, 1, 0]}),
        ([7, 7], [1, 2], {"strides": [3, 3]}),  # places that no block reaches
        ([4, 5, 6], [2, 1, 3], {"pads": [1, 0, 1, 0, 0, 2], "strides": [1, 2, 2]}),
        ([3, 4, 3, 4], [2, 2, 1, 2], {}),
    ],
)
def test_col2im(image: list[int], block: list[int], names: dict[str, list[int]]) -> None:
    pytest.importorskip("onnxruntime", minversion="1.30", reason="an older one gets volumes wrong")
    blocks = np.prod(counts(image, block, names))
    x = floats(2, 3 * int(np.prod(block)), int(blocks))
    weights = {"image": np.array(image), "block": np.array(block)}
    proto = model_of("Col2Im", {"x": x}, weights, **names)
    proto.ir_version = 9
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    check(proto, {"x": x}, session.run(None, {"x": x}))


def test_col2im_keeps_what_is_infinite() -> None:
    """Zeros beside it are added, not multiplied with it."""
    x = floats(1, 4, 6)
    x[0, 1, 2] = np.inf
    proto = model_of("Col2Im", {"x": x}, {"image": np.array([3, 4]), "block": np.array([2, 2])})
    check(proto, {"x": x}, ReferenceEvaluator(proto).run(None, {"x": x}))


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
def test_col2im_of_other_numbers(dtype: Any) -> None:
    x = np.random.default_rng().integers(-9, 9, (1, 8, 9)).astype(dtype)
    proto = model_of("Col2Im", {"x": x}, {"image": np.array([4, 4]), "block": np.array([2, 2])})
    check(proto, {"x": x}, ReferenceEvaluator(proto).run(None, {"x": x}))


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ((2, 3, 8), {"kernel_shape": [2], "strides": [2]}),
        ((2, 3, 8, 9), {"kernel_shape": [2, 3], "strides": [2, 3]}),
        ((1, 2, 7, 9), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ((1, 2, 6, 6), {"kernel_shape": [3, 3]}),  # windows that share their maxima
        ((1, 2, 4, 4, 6), {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]}),
    ],
)
def test_max_unpool(shape: tuple[int, ...], names: dict[str, list[int]]) -> None:
    image = floats(*shape)
    pool = model_of("MaxPool", {"image": image}, outputs=2, **names)
    pool.graph.output[1].type.tensor_type.elem_type = onnx.TensorProto.INT64
    pool.ir_version = 9
    session = onnxruntime.InferenceSession(pool.SerializeToString())
    x, index = session.run(None, {"image": image})
    inputs = {"x": x, "index": index}
    proto = model_of("MaxUnpool", inputs, **names)
    proto.ir_version = 9
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    check(proto, inputs, session.run(None, inputs))


def test_max_unpool_to_more() -> None:
    """The indices count in the image without what is added at its ends."""
    inputs = {"x": floats(1, 2, 2, 3), "index": np.random.default_rng().permutation(48)[:12]}
    inputs["index"] = inputs["index"].reshape(1, 2, 2, 3)
    names = {"kernel_shape": [2, 2], "strides": [2, 2]}
    proto = model_of("MaxUnpool", inputs, {"shape": np.array([1, 2, 5, 8])}, **names)
    proto.graph.output[0].CopyFrom(value("y0", [1, 2, 5, 8]))
    check(proto, inputs, ReferenceEvaluator(proto).run(None, inputs))


def test_max_unpool_of_large_images_is_refused() -> None:
    """It would take minutes."""
    inputs = {"x": floats(1, 64, 180, 240), "index": np.zeros((1, 64, 180, 240), np.int64)}
    proto = model_of("MaxUnpool", inputs, kernel_shape=[2, 2], strides=[2, 2])
    with pytest.raises(fairway.UnsupportedOp, match=r"onnx\.MaxUnpool"):
        fairway.compile(proto)


@pytest.mark.parametrize("axis", [1, 2, -2, -1])
@pytest.mark.parametrize("mode", ["linear", "circular"])
@pytest.mark.parametrize("length", [1, 3])
def test_tensor_scatter(axis: int, mode: str, length: int) -> None:
    cache = floats(3, 5, 6, 7)
    shape = list(cache.shape)
    size, shape[axis] = shape[axis], length
    limit = 3 * size if mode == "circular" else size - length + 1
    start = np.random.default_rng().integers(0, limit, 3)
    start[0] = limit - 1
    inputs = {"cache": cache, "update": floats(*shape), "start": start}
    proto = model_of("TensorScatter", inputs, axis=axis, mode=mode, opset=24)
    check(proto, inputs, ReferenceEvaluator(proto).run(None, inputs))


@pytest.mark.parametrize("mode", ["linear", "circular"])
@pytest.mark.parametrize("length", [2, 6])
def test_tensor_scatter_from_the_begin(mode: str, length: int) -> None:
    inputs = {"cache": floats(2, 6, 4), "update": floats(2, length, 4)}
    proto = model_of("TensorScatter", inputs, mode=mode, opset=24)
    check(proto, inputs, ReferenceEvaluator(proto).run(None, inputs))


@pytest.mark.skipif(
    onnx.defs.onnx_opset_version() < 27, reason="this onnx does not know the operation"
)
@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("activation", ["none", "silu", "swish"])
@pytest.mark.parametrize("names", [["x", "w"], ["x", "w", "b"], ["x", "w", "", "past"]])
def test_causal_convolution(length: int, activation: str, names: list[str]) -> None:
    every = {"x": floats(2, 3, length), "w": floats(3, 1, 4), "b": floats(3)}
    every["past"] = floats(2, 3, 3)
    inputs = {name: every[name] for name in names if name}
    proto = model_of(
        "CausalConvWithState", inputs, names=names, outputs=2, opset=27, activation=activation
    )
    check(proto, inputs, ReferenceEvaluator(proto).run(None, inputs))
