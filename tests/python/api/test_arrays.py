# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks of a call's tensors: each refusal names the input and says what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairway.arrays import check_inputs
from fairway.errors import InvalidArgument
from fairway.program import TensorSpec

X = TensorSpec("x", "float32", (2, 3), "input")
SCALAR = TensorSpec("scale", "float32", (), "input")
BRAIN = TensorSpec("b", "bfloat16", (1,), "input")
GOOD = np.zeros((2, 3), np.float32)


def test_passes_a_dense_array_through_uncopied() -> None:
    assert check_inputs([GOOD], [X])[0] is GOOD


def test_copies_a_strided_array() -> None:
    strided = np.arange(12, dtype=np.float32).reshape(3, 4)[:, :2].T
    (dense,) = check_inputs([strided], [X])
    assert dense.flags.c_contiguous
    np.testing.assert_array_equal(dense, strided)


@pytest.mark.parametrize("value", [1.5, np.float32(1.5), np.array(1.5, np.float32)])
def test_takes_scalars_for_a_tensor_without_dimensions(value: Any) -> None:
    (array,) = check_inputs([value], [SCALAR])
    assert array.shape == ()
    assert array.dtype == np.float32
    assert float(array) == 1.5


class ViaDlpack:
    """An array of a framework that Fairway has never heard of."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class OnGpu(ViaDlpack):
    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)


def test_takes_any_dlpack_tensor_without_copying() -> None:
    (array,) = check_inputs([ViaDlpack(GOOD)], [X])
    assert np.shares_memory(array, GOOD)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (GOOD.astype(np.float64), r"input 'x' has dtype float64, not float32"),
        (GOOD.astype(">f4"), r"input 'x' has dtype byte-swapped float32, not float32"),
        (np.zeros((3, 2), np.float32), r"input 'x' has shape \[3, 2\], not \[2, 3\]"),
        (np.zeros(6, np.float32), r"input 'x' has 1 dimension \[6\], not 2 dimensions \[2, 3\]"),
        (OnGpu(GOOD), r"input 'x' is on device cuda; this executable runs on cpu"),
        ("text", r"input 'x' is a str, not a tensor"),
        (1.0, r"input 'x' is a float, not a tensor"),
    ],
)
def test_refuses(value: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        check_inputs([value], [X])
    assert caught.value.hint or "dimension" in message


def test_refuses_a_wrong_count() -> None:
    with pytest.raises(InvalidArgument, match=r"takes 1 input \(x\), not 2"):
        check_inputs([GOOD, GOOD], [X])


def test_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    good = torch.zeros(2, 3, requires_grad=True)
    (dense,) = check_inputs([good], [X])
    assert dense.ctypes.data == good.data_ptr()
    transposed = torch.arange(6.0).reshape(3, 2).T
    (dense,) = check_inputs([transposed], [X])
    assert dense.flags.c_contiguous
    np.testing.assert_array_equal(dense, transposed.numpy())
    (bits,) = check_inputs([torch.ones(1, dtype=torch.bfloat16)], [BRAIN])
    assert bits.view(np.uint16)[0] == 0x3F80
    for bad, message in (
        (good.double(), r"dtype float64.*\n.*x\.to\(torch\.float32\)"),
        (torch.zeros(2, 3, device="meta"), r"on device meta.*\n.*x\.cpu\(\)"),
        (torch.zeros(2, 3).to_sparse(), r"torch\.sparse_coo tensor"),
        (torch.zeros(2, 4), r"shape \[2, 4\], not \[2, 3\]"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            check_inputs([bad], [X])


def test_takes_a_type_that_another_package_added_to_numpy() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="NumPy alone has no bfloat16")
    array = np.ones(1, ml_dtypes.bfloat16)
    assert check_inputs([array], [BRAIN])[0] is array


def test_numbers_that_are_no_bfloat16_are_named() -> None:
    with pytest.raises(InvalidArgument, match="'b' has dtype uint16, not bfloat16"):
        check_inputs([np.ones(1, np.uint16)], [BRAIN])
