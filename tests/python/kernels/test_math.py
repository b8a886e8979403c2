# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fairway's own math functions against double precision: at most 2 ulp for any argument.

By default every exponent with random mantissas and every special value; with
`FAIRWAY_TEST_ALL_FLOATS=1` all 2^32 single-precision numbers.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("fairway.compiler", exc_type=ImportError)
torch = pytest.importorskip("torch")
import fairway  # noqa: E402

Array = npt.NDArray[Any]

CHUNK = 1 << 20
EVERY_FLOAT = os.environ.get("FAIRWAY_TEST_ALL_FLOATS") == "1"
LARGEST = float(np.finfo(np.float32).max)


def torch_function(name: str) -> Callable[[Array], Array]:
    """torch's function of that name on double-precision arrays."""
    function = getattr(torch, name, None) or getattr(torch.special, name)
    return lambda x: function(torch.from_numpy(x)).numpy()


REFERENCES: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": torch_function("erf"),
    "sin": np.sin,
    "cos": np.cos,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def module(name: str, element: str = "f32", size: int = CHUNK) -> str:
    """A model of one input that applies a function to each element."""
    if name == "sigmoid":
        body = [
            f"%one = arith.constant 1.0 : {element}",
            f"%n = arith.negf %a : {element}",
            f"%e = math.exp %n : {element}",
            f"%s = arith.addf %e, %one : {element}",
            f"%r = arith.divf %one, %s : {element}",
        ]
    else:
        body = [f"%r = math.{name} %a : {element}"]
    kind = f"tensor<{size}x{element}>"
    dtype = {"f32": "float32", "f16": "float16"}[element]
    return "\n".join(
        [
            "module {",
            f'func.func @main(%x: {kind} {{fairway.name = "x", fairway.kind = "input",'
            f' fairway.dtype = "{dtype}"}}) -> ({kind} {{fairway.name = "y",'
            f' fairway.dtype = "{dtype}"}}) {{',
            f"%empty = tensor.empty() : {kind}",
            "%y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,"
            ' affine_map<(i) -> (i)>], iterator_types = ["parallel"]}'
            f" ins(%x : {kind}) outs(%empty : {kind}) {{",
            f"^bb0(%a: {element}, %o: {element}):",
            *body,
            f"linalg.yield %r : {element}",
            f"}} -> {kind}",
            f"return %y : {kind}",
            "}}",
        ]
    )


def arguments() -> Iterator[Array]:
    """Chunks of single-precision numbers."""
    if EVERY_FLOAT:
        for start in range(0, 1 << 32, CHUNK):
            yield np.arange(start, start + CHUNK, dtype=np.int64).astype(np.uint32).view(np.float32)
        return
    generator = np.random.default_rng()
    specials = np.array(
        [0, 1, np.inf, np.nan, LARGEST, 2.0**-126, 2.0**-149, np.pi, 1e5, 88.72284]
        + [21999384576.0],  # a large argument next to a zero of cos
        np.float32,
    )
    exponents = np.arange(256, dtype=np.uint32).repeat(CHUNK // 256) << 23
    # Each exponent alike; then what functions are mostly used on.
    bits = exponents | generator.integers(0, 1 << 23, CHUNK, dtype=np.uint32)
    bits |= generator.integers(0, 2, CHUNK, dtype=np.uint32) << 31
    chunk = bits.view(np.float32)
    chunk[: len(specials)] = specials
    chunk[len(specials) : 2 * len(specials)] = -specials
    yield chunk
    for scale in (1, 10, 110):
        yield generator.uniform(-scale, scale, CHUNK).astype(np.float32)


def ulps(result: Array, exact: Array) -> Array:
    """The error in units of the last place of the exact result, 0 for equal specials."""
    rounded = exact.astype(np.float32)
    # What rounds to infinity is compared as if the largest number were meant.
    result = result.astype(np.float64)
    same = (rounded == result) | (np.isnan(exact) & np.isnan(result))
    unit = np.spacing(np.minimum(np.abs(rounded), LARGEST)).astype(np.float64)
    bounded = np.clip(result, -LARGEST, LARGEST)
    error = np.abs(bounded - np.clip(exact, -LARGEST, LARGEST)) / unit
    error[np.isnan(error)] = np.inf
    error[same] = np.minimum(np.nan_to_num(error[same]), 0.5)
    return error


@pytest.mark.parametrize("name", REFERENCES)
def test_at_most_two_ulp_for_any_argument(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.mlir"
    path.write_text(module(name))
    compiled = fairway.compile(path)
    worst, where = 0.0, 0.0
    for x in arguments():
        result = np.asarray(compiled(x))
        with np.errstate(all="ignore"):
            error = ulps(result, REFERENCES[name](x.astype(np.float64)))
        at = int(error.argmax())
        if error[at] > worst:
            worst, where = float(error[at]), float(x[at])
    print(f"{name}: {worst:.3f} ulp at {where!r}")
    assert worst <= 2.0, f"{worst} ulp at {where!r}"


class Gelu(torch.nn.Module):
    """GELU as models spell it, by the name of the spelling."""

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.spelling = spelling

    def forward(self, x: Any) -> Any:
        """The same shape and type as `x`."""
        if self.spelling == "torch":
            return torch.nn.functional.gelu(x)
        if self.spelling == "torch tanh":
            return torch.nn.functional.gelu(x, approximate="tanh")
        if self.spelling == "half last":
            return x * (1 + torch.erf(x / math.sqrt(2))) * 0.5
        slope = math.sqrt(2 / math.pi)
        return 0.5 * x * (1 + torch.tanh(slope * (x + 0.044715 * torch.pow(x, 3))))


@pytest.mark.parametrize("spelling", ["torch", "half last", "torch tanh", "power"])
def test_gelu_is_as_exact_as_its_parts(spelling: str) -> None:
    generator = np.random.default_rng()
    x = generator.uniform(-10, 10, CHUNK).astype(np.float32)
    x[:6] = [0, 1e-30, 2.0**-149, 1e30, -1e30, np.nan]
    wide = torch.from_numpy(x).double()
    exact = torch.nn.functional.gelu(
        wide, approximate="tanh" if spelling in ("torch tanh", "power") else "none"
    ).numpy()
    compiled = fairway.compile(Gelu(spelling), (torch.from_numpy(x),))
    result = compiled(torch.from_numpy(x)).numpy()
    error = ulps(result, exact)
    assert error[~(x < 0)].max() <= 2.0
    # Where 1 + erf cancels, its error is absolute.
    negative = x < 0
    scaled = np.abs(result.astype(np.float64) - exact)[negative] / np.abs(x[negative])
    assert scaled.max() <= 1.5 * 2.0**-24
    assert result[4] == 0


class Power(torch.nn.Module):
    """`x ** y`, element by element."""

    def forward(self, x: Any, y: Any) -> Any:
        """The same shape and type as `x` and `y`."""
        return torch.pow(x, y)


def power_arguments() -> Iterator[tuple[Array, Array]]:
    """Pairs of single-precision numbers for pow: specials, common ones, ones near its ends."""
    generator = np.random.default_rng()
    specials = np.array(
        [0, 0.5, 1, 1.5, 2, 3, 1e9, 2.0**24 - 1, 2.0**24, 2.0**-149, 2.0**-126, LARGEST]
        + [np.nextafter(np.float32(1), np.float32(0)), 0.1, np.inf, np.nan],
        np.float32,
    )
    signed = np.concatenate([specials, -specials])
    grid = np.meshgrid(signed, signed)
    pairs = np.resize(np.stack([side.ravel() for side in grid]), (2, CHUNK))
    pairs[:, signed.size**2 :] = generator.uniform(-10, 10, (2, CHUNK - signed.size**2))
    pairs[1, CHUNK // 2 :] = np.round(pairs[1, CHUNK // 2 :])
    yield pairs[0], pairs[1]
    # Any x, and the y that leads anywhere between overflow and nothing.
    x = np.abs(next(arguments()))
    with np.errstate(all="ignore"):
        y = (generator.uniform(-152, 130, CHUNK) / np.log2(x.astype(np.float64))).astype(np.float32)
    yield x, y


def test_pow_at_most_two_ulp_and_ieee_specials() -> None:
    example = torch.ones(CHUNK)
    compiled = fairway.compile(Power(), (example, example))
    for x, y in power_arguments():
        result = compiled(torch.from_numpy(x), torch.from_numpy(y)).numpy()
        with np.errstate(all="ignore"):
            exact = np.power(x.astype(np.float64), y.astype(np.float64))
            error = ulps(result, exact)
        at = int(error.argmax())
        assert error[at] <= 2.0, f"{error[at]} ulp at {x[at]!r} ** {y[at]!r}: {result[at]!r}"
        number = ~np.isnan(exact)
        np.testing.assert_array_equal(np.signbit(result)[number], np.signbit(exact)[number])


@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh", "erf", "sin"])
def test_odd_functions_keep_the_sign_of_zero(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.mlir"
    path.write_text(module(name, size=32))
    x = np.array([0.0, -0.0] * 16, np.float32)
    np.testing.assert_array_equal(np.signbit(np.asarray(fairway.compile(path)(x))), np.signbit(x))


@pytest.mark.parametrize("name", ["exp", "log", "sigmoid", "tanh"])
def test_half_precision_is_computed_in_single(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.mlir"
    path.write_text(module(name, element="f16", size=1 << 16))
    x = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    result = np.asarray(fairway.compile(path)(x))
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](x.astype(np.float64))
        unit = np.spacing(np.abs(exact).astype(np.float16)).astype(np.float64)
        finite = np.isfinite(exact.astype(np.float16))
        error = np.abs(result.astype(np.float64) - exact)[finite] / unit[finite]
        np.testing.assert_array_equal(result[~finite], exact.astype(np.float16)[~finite])
    assert error.max() <= 0.51
