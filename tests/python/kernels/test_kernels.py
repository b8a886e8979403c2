# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generated kernels against NumPy in double precision, sizes odd on purpose.

Each case is a small module in MLIR: what importers hand over, one operation at
a time, so that a wrong number points at one kind of loop nest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("fairway.compiler", exc_type=ImportError)
import fairway  # noqa: E402

Array = npt.NDArray[Any]
DTYPES = {"f32": "float32", "f64": "float64", "i64": "int64", "i32": "int32", "i1": "bool"}


def tensor(shape: Sequence[int], element: str) -> str:
    """The MLIR type, e.g. `tensor<3x4xf32>`."""
    return f"tensor<{'x'.join([*map(str, shape), element])}>"


@dataclass(frozen=True)
class Case:
    """One function: inputs `%0, %1, ...`, a body that defines `%out`, and what it computes."""

    name: str
    inputs: tuple[tuple[tuple[int, ...], str], ...]
    output: tuple[tuple[int, ...], str]
    body: str
    reference: Callable[..., Array]
    tolerance: float = 1e-5

    def module(self) -> str:
        arguments = ", ".join(
            f'%x{i}: {tensor(shape, element)} {{fairway.name = "x{i}", '
            f'fairway.kind = "input", fairway.dtype = "{DTYPES[element]}"}}'
            for i, (shape, element) in enumerate(self.inputs)
        )
        shape, element = self.output
        result = tensor(shape, element)
        return (
            f"module {{\n  func.func @main({arguments}) -> ({result} "
            f'{{fairway.name = "y", fairway.dtype = "{DTYPES[element]}"}}) {{\n'
            f"{self.body}\n    return %out : {result}\n  }}\n}}\n"
        )

    def arrays(self) -> list[Array]:
        generator = np.random.default_rng(0)
        arrays: list[Array] = []
        for shape, element in self.inputs:
            if element in ("f32", "f64"):
                arrays.append(generator.standard_normal(shape).astype(DTYPES[element]))
            elif element == "i1":
                arrays.append(generator.integers(0, 2, shape).astype(np.bool_))
            else:
                arrays.append(generator.integers(0, 5, shape).astype(DTYPES[element]))
        return arrays


def filled(name: str, shape: Sequence[int], element: str, value: str) -> str:
    """A tensor `%name` full of `value`."""
    kind = tensor(shape, element)
    return (
        f"    %{name}_e = tensor.empty() : {kind}\n"
        f"    %{name}_v = arith.constant {value} : {element}\n"
        f"    %{name} = linalg.fill ins(%{name}_v : {element}) outs(%{name}_e : {kind}) -> {kind}"
    )


def generic(
    out: str,
    maps: Sequence[str],
    iterators: str,
    inputs: Sequence[tuple[str, str]],
    output: tuple[str, str],
    body: str,
) -> str:
    """A linalg.generic whose body sees %a0, %a1, ... and the output's element %o."""
    names = {"p": '"parallel"', "r": '"reduction"'}
    kinds = ", ".join(names[i] for i in iterators)
    spelled = ", ".join(f"affine_map<{m}>" for m in maps)
    types = [kind for _, kind in inputs]
    elements = [kind.rstrip(">").split("<")[1].split("x")[-1] for kind in (*types, output[1])]
    ins = f"ins({', '.join(n for n, _ in inputs)} : {', '.join(types)}) " if inputs else ""
    arguments = [f"%a{i}: {e}" for i, e in enumerate(elements[:-1])] + [f"%o: {elements[-1]}"]
    return (
        f"    %{out} = linalg.generic {{indexing_maps = [{spelled}], iterator_types = [{kinds}]}} "
        f"{ins}outs({output[0]} : {output[1]}) {{\n    ^bb0({', '.join(arguments)}):\n"
        f"{body}\n    }} -> {output[1]}"
    )


def matmul(m: int, n: int, k: int, element: str = "f32") -> Case:
    """max(a @ b + bias, bias)."""
    a, b, c = tensor((m, k), element), tensor((k, n), element), tensor((m, n), element)
    epilogue = (
        f"      %s = arith.addf %a0, %a1 : {element}\n"
        f"      %t = arith.maximumf %s, %a1 : {element}\n"
        f"      linalg.yield %t : {element}"
    )
    body = "\n".join(
        [
            filled("zero", (m, n), element, "0.0"),
            f"    %ab = linalg.matmul ins(%x0, %x1 : {a}, {b}) outs(%zero : {c}) -> {c}",
            f"    %e = tensor.empty() : {c}",
            generic(
                "out",
                ["(i, j) -> (i, j)", "(i, j) -> (j)", "(i, j) -> (i, j)"],
                "pp",
                [("%ab", c), ("%x2", tensor((n,), element))],
                ("%e", c),
                epilogue,
            ),
        ]
    )
    return Case(
        f"matmul_{m}x{n}x{k}_{element}",
        (((m, k), element), ((k, n), element), ((n,), element)),
        ((m, n), element),
        body,
        lambda x, w, bias: np.maximum(x @ w + bias, bias),
        1e-5 if element == "f32" else 1e-12,
    )


def conv(size: int, c: int, o: int, kernel: int, stride: int) -> Case:
    out = (size - kernel) // stride + 1
    x, w = tensor((1, c, size, size), "f32"), tensor((o, c, kernel, kernel), "f32")
    y = tensor((1, o, out, out), "f32")

    def reference(image: Array, weights: Array) -> Array:
        result = np.zeros((1, o, out, out))
        for i, j in itertools.product(range(kernel), repeat=2):
            rows, columns = (
                slice(start, start + stride * (out - 1) + 1, stride) for start in (i, j)
            )
            result += np.einsum("nchw,oc->nohw", image[:, :, rows, columns], weights[:, :, i, j])
        return result

    body = (
        filled("zero", (1, o, out, out), "f32", "0.0")
        + "\n    %out = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, "
        + f"strides = dense<{stride}> : vector<2xi64>}} "
        + f"ins(%x0, %x1 : {x}, {w}) outs(%zero : {y}) -> {y}"
    )
    return Case(
        f"conv_{size}_{c}_{o}_k{kernel}s{stride}",
        (((1, c, size, size), "f32"), ((o, c, kernel, kernel), "f32")),
        ((1, o, out, out), "f32"),
        body,
        reference,
    )


def depthwise(size: int, c: int, kernel: int, stride: int) -> Case:
    out = (size - kernel) // stride + 1
    x, w = tensor((1, c, size, size), "f32"), tensor((c, kernel, kernel), "f32")
    y = tensor((1, c, out, out), "f32")

    def reference(image: Array, weights: Array) -> Array:
        result = np.zeros((1, c, out, out))
        for i, j in itertools.product(range(kernel), repeat=2):
            rows, columns = (
                slice(start, start + stride * (out - 1) + 1, stride) for start in (i, j)
            )
            result += image[:, :, rows, columns] * weights[None, :, i, j, None, None]
        return result

    body = (
        filled("zero", (1, c, out, out), "f32", "0.0")
        + "\n    %out = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, "
        + f"strides = dense<{stride}> : vector<2xi64>}} "
        + f"ins(%x0, %x1 : {x}, {w}) outs(%zero : {y}) -> {y}"
    )
    return Case(
        f"depthwise_{size}_{c}_k{kernel}s{stride}",
        (((1, c, size, size), "f32"), ((c, kernel, kernel), "f32")),
        ((1, c, out, out), "f32"),
        body,
        reference,
    )


def softmax(rows: int, columns: int) -> Case:
    x = tensor((rows, columns), "f32")

    def reference(values: Array) -> Array:
        e = np.exp(values - values.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    return Case(
        f"softmax_{rows}x{columns}",
        (((rows, columns), "f32"),),
        ((rows, columns), "f32"),
        f"    %e = tensor.empty() : {x}\n"
        f"    %out = linalg.softmax dimension(1) ins(%x0 : {x}) outs(%e : {x}) -> {x}",
        reference,
    )


def reduction(
    shape: tuple[int, int], axis: int, op: str, element: str, init: str, reference: Any
) -> Case:
    result = (shape[1 - axis],)
    maps = ["(i, j) -> (i, j)", f"(i, j) -> ({'ij'[1 - axis]})"]
    body = (
        filled("init", result, element, init)
        + "\n"
        + generic(
            "out",
            maps,
            "rp" if axis == 0 else "pr",
            [("%x0", tensor(shape, element))],
            ("%init", tensor(result, element)),
            f"      %s = {op} %a0, %o : {element}\n      linalg.yield %s : {element}",
        )
    )
    return Case(
        f"{op.split('.')[1]}_{shape[0]}x{shape[1]}_axis{axis}_{element}",
        ((shape, element),),
        (result, element),
        body,
        lambda x: reference(x, axis=axis),
    )


def elementwise(
    name: str,
    inputs: Sequence[tuple[tuple[int, ...], str]],
    output: tuple[tuple[int, ...], str],
    maps: Sequence[str],
    body: str,
    reference: Callable[..., Array],
) -> Case:
    code = f"    %e = tensor.empty() : {tensor(*output)}\n" + generic(
        "out",
        maps,
        "p" * len(output[0]),
        [(f"%x{i}", tensor(*spec)) for i, spec in enumerate(inputs)],
        ("%e", tensor(*output)),
        body,
    )
    return Case(name, tuple(inputs), output, code, reference)


CASES = [
    *(
        matmul(*sizes)
        for sizes in [(1, 1, 1), (2, 3, 5), (33, 17, 19), (7, 100, 64), (1, 1000, 512)]
    ),
    *(matmul(*sizes) for sizes in [(128, 768, 768), (197, 768, 300), (61, 130, 1000)]),
    matmul(37, 45, 53, "f64"),
    *(
        conv(*sizes)
        for sizes in [(58, 64, 64, 3, 1), (29, 20, 40, 3, 2), (37, 3, 64, 7, 2), (14, 64, 24, 1, 1)]
    ),
    conv(9, 512, 32, 3, 1),
    *(depthwise(*sizes) for sizes in [(30, 96, 3, 1), (17, 5, 3, 2)]),
    *(softmax(*sizes) for sizes in [(197, 197), (3, 1001), (1000, 5)]),
    *(
        reduction(shape, axis, "arith.addf", "f32", "0.0", np.sum)
        for shape, axis in [((100, 77), 1), ((77, 100), 0), ((13, 1030), 1)]
    ),
    reduction((50, 19), 1, "arith.maximumf", "f32", "0xFF800000", np.max),
    reduction((64, 90), 1, "arith.maxsi", "i64", "-9", np.max),
    elementwise(
        "transpose",
        [((47, 133), "f32")],
        ((133, 47), "f32"),
        ["(i, j) -> (j, i)", "(i, j) -> (i, j)"],
        "      linalg.yield %a0 : f32",
        lambda x: x.T,
    ),
    elementwise(
        "permute",
        [((70, 5, 3, 100), "f32")],
        ((3, 100, 70, 5), "f32"),
        ["(a, b, c, d) -> (c, d, a, b)", "(a, b, c, d) -> (a, b, c, d)"],
        "      linalg.yield %a0 : f32",
        lambda x: x.transpose(2, 3, 0, 1),
    ),
    elementwise(
        "slice",
        [((120, 130), "f32")],
        ((100, 60), "f32"),
        ["(i, j) -> (i + 5, j * 2 + 3)", "(i, j) -> (i, j)"],
        "      linalg.yield %a0 : f32",
        lambda x: x[5:105, 3:123:2],
    ),
    elementwise(
        "select",
        [((33, 71), "i1"), ((33, 71), "f32")],
        ((33, 71), "f32"),
        ["(i, j) -> (i, j)", "(i, j) -> (i, j)", "(i, j) -> (i, j)"],
        "      %z = arith.constant 2.5 : f32\n      %s = arith.select %a0, %a1, %z : f32\n"
        "      linalg.yield %s : f32",
        lambda m, x: np.where(m, x, 2.5),
    ),
    elementwise(
        "integers",
        [((501, 13), "i64"), ((501,), "i64")],
        ((501, 13), "i64"),
        ["(i, j) -> (i, j)", "(i, j) -> (i)", "(i, j) -> (i, j)"],
        "      %p = arith.muli %a0, %a1 : i64\n      %s = arith.subi %p, %a1 : i64\n"
        "      linalg.yield %s : i64",
        lambda x, y: x * y[:, None] - y[:, None],
    ),
    elementwise(
        "embedding",
        [((50,), "i64"), ((9, 33), "f32")],
        ((50, 33), "f32"),
        ["(i, j) -> (i)", "(i, j) -> ((i + j) floordiv 1000, j)", "(i, j) -> (i, j)"],
        "      %i = arith.index_cast %a0 : i64 to index\n      %j = linalg.index 1 : index\n"
        "      %v = tensor.extract %x1[%i, %j] : tensor<9x33xf32>\n      linalg.yield %v : f32",
        lambda ids, table: table[ids],
    ),
    *(
        elementwise(
            f"{name}_{element}",
            [((50, 37), element)],
            ((50, 37), element),
            ["(i, j) -> (i, j)", "(i, j) -> (i, j)"],
            f"      %s = math.{name} %a0 : {element}\n      linalg.yield %s : {element}",
            reference,
        )
        for name, reference in [
            ("exp", np.exp),
            ("tanh", np.tanh),
            ("sin", np.sin),
            ("floor", np.floor),
            ("cbrt", np.cbrt),
        ]
        for element in ("f32", "f64")
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_matches_numpy(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"{case.name}.mlir"
    path.write_text(case.module())
    arrays = case.arrays()
    result = np.asarray(fairway.compile(path)(*arrays))
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    expected = case.reference(*wide)
    assert result.shape == expected.shape
    assert result.dtype == np.dtype(DTYPES[case.output[1]])
    if result.dtype.kind != "f":
        np.testing.assert_array_equal(result, expected)
        return
    tolerance = min(case.tolerance, 1e-12) if case.output[1] == "f64" else case.tolerance
    assert np.abs(result - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_share_of_every_thread_adds_up(threads: int, tmp_path: Path) -> None:
    case = matmul(197, 96, 64)
    path = tmp_path / "matmul.mlir"
    path.write_text(case.module())
    arrays = case.arrays()
    alone = np.asarray(fairway.compile(path, threads=1)(*arrays))
    np.testing.assert_array_equal(
        np.asarray(fairway.compile(path, threads=threads)(*arrays)), alone
    )
