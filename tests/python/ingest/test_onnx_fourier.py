# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is compiled of ONNX's Fourier transforms is what NumPy computes in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from ingest_onnx_models import model, value  # noqa: E402
from onnx import helper  # noqa: E402

import fairway  # noqa: E402


def compiled(
    operation: str,
    inputs: dict[str, np.ndarray],
    constants: list[Any] = (),  # type: ignore[assignment]
    opset: int = 20,
    shape: list[int] | None = None,
    **attributes: Any,
) -> np.ndarray:
    """What a node gives that takes the inputs and then the constants; None is left out."""
    names = [*inputs, *("" if c is None else f"c{i}" for i, c in enumerate(constants))]
    weights = {f"c{i}": np.asarray(c) for i, c in enumerate(constants) if c is not None}
    node = helper.make_node(operation, names, ["y"], **attributes)
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in inputs.items()}
    given = [value(name, list(array.shape), kinds[name]) for name, array in inputs.items()]
    first = next(iter(inputs))
    proto = model([node], given, [value("y", shape, kinds[first])], weights, opset)
    (result,) = fairway.compile(proto).run(inputs).values()
    assert result.dtype == inputs[first].dtype
    return result


def signal(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng().standard_normal(shape).astype(dtype)


def numbers(x: np.ndarray) -> np.ndarray:
    """What the parts in the last dimension stand for."""
    x = x.astype(np.float64)
    return x[..., 0] + 1j * x[..., 1] if x.shape[-1] == 2 else x[..., 0]


def parts(x: np.ndarray) -> np.ndarray:
    return np.stack([x.real, x.imag], -1)


def check(got: np.ndarray, want: np.ndarray, tolerance: float = 1e-5) -> None:
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * np.abs(want).max())


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("length", [None, 5, 7, 12])
def test_dft(complex_: bool, inverse: int, length: int | None) -> None:
    x = signal(2, 7, 3, 1 + complex_)
    got = compiled("DFT", {"x": x}, [length, np.array(1)], inverse=inverse)
    check(got, parts((np.fft.ifft if inverse else np.fft.fft)(numbers(x), length, axis=1)))


@pytest.mark.parametrize("opset", [17, 20])
@pytest.mark.parametrize("axis", [None, 0, 1, -2])
def test_dft_along_an_axis(opset: int, axis: int | None) -> None:
    """Operator set 17 has the axis as attribute and another default."""
    x = signal(4, 4, 4, 2)
    if opset == 17:
        attributes = {} if axis is None else {"axis": axis}
        got = compiled("DFT", {"x": x}, opset=17, **attributes)
    else:
        got = compiled("DFT", {"x": x}, [] if axis is None else [None, np.array(axis)])
    if axis is None:
        axis = 1 if opset == 17 else -2
    check(got, parts(np.fft.fft(numbers(x), axis=axis + (axis < 0))))


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("length", [None, 6, 7, 14, 15])
def test_dft_of_real_signals(size: int, length: int | None) -> None:
    x = signal(3, size, 2, 1)
    got = compiled("DFT", {"x": x}, [length, np.array(1)], onesided=1)
    check(got, parts(np.fft.rfft(numbers(x), length, axis=1)))


@pytest.mark.parametrize("length", [None, 6, 7, 14, 15])
def test_dft_back_to_real_signals(length: int | None) -> None:
    """The imaginary parts of the first and the middle result count nothing."""
    x = signal(3, 6, 2, 2)
    got = compiled("DFT", {"x": x}, [length, np.array(1)], onesided=1, inverse=1)
    check(got, np.fft.irfft(numbers(x), length, axis=1)[..., None])


def test_dft_of_doubles() -> None:
    x = signal(3, 11, 2, dtype=np.float64)
    check(compiled("DFT", {"x": x}), parts(np.fft.fft(numbers(x))), 1e-13)


@pytest.mark.parametrize("length", [2048, 2187, 1018])
@pytest.mark.parametrize("inverse", [0, 1])
def test_dft_of_long_signals(length: int, inverse: int) -> None:
    """Whose matrix would be large; the last has a large prime factor."""
    x = signal(2, length, 2)
    got = compiled("DFT", {"x": x}, inverse=inverse)
    check(got, parts((np.fft.ifft if inverse else np.fft.fft)(numbers(x))))


@pytest.mark.parametrize("length", [3000, 3375])
def test_dft_of_long_real_signals(length: int) -> None:
    x = signal(2, 2500, 1)
    transformed = compiled("DFT", {"x": x}, [length], onesided=1)
    check(transformed, parts(np.fft.rfft(numbers(x), length)))
    back = compiled("DFT", {"x": transformed}, [length], onesided=1, inverse=1)
    check(back, np.pad(x, [(0, 0), (0, length - 2500), (0, 0)]))


def frames(x: np.ndarray, step: int, window: np.ndarray) -> np.ndarray:
    """[batch, frames, length] of [batch, size]."""
    views = np.lib.stride_tricks.sliding_window_view(x, len(window), axis=1)
    return views[:, ::step] * window.astype(np.float64)


# Complex signals have no symmetry that one side would be enough for.
@pytest.mark.parametrize(("complex_", "onesided"), [(False, 0), (False, 1), (True, 0)])
@pytest.mark.parametrize(("step", "length"), [(4, 9), (3, 8), (10, 16), (1, 40)])
def test_stft(complex_: bool, onesided: int, step: int, length: int) -> None:
    x, window = signal(2, 40, 1 + complex_), signal(length)
    constants = [step, window, length]
    got = compiled("STFT", {"x": x}, constants, onesided=onesided)
    want = np.fft.fft(frames(numbers(x), step, window))
    check(got, parts(want[..., : length // 2 + 1] if onesided else want))


def test_stft_without_a_window() -> None:
    x = signal(2, 40, 1)
    got = compiled("STFT", {"x": x}, [6, None, 10])
    check(got, parts(np.fft.rfft(frames(numbers(x), 6, np.ones(10)))))
    whole = compiled("STFT", {"x": x}, [6], shape=[2, 1, 21, 2])
    check(whole, parts(np.fft.rfft(frames(numbers(x), 6, np.ones(40)))))


def test_matrices_that_are_too_large_are_refused() -> None:
    """Of a large prime number of elements; a matrix of 256 MiB would be in the program."""
    for inverse in (0, 1):
        with pytest.raises(fairway.UnsupportedOp, match=r"onnx\.DFT"):
            compiled("DFT", {"x": signal(1, 4099, 2)}, inverse=inverse)
    with pytest.raises(fairway.UnsupportedOp, match=r"onnx\.DFT"):
        compiled("DFT", {"x": signal(1, 4000, 2)}, [7919], onesided=1, inverse=1)
