# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models whose sizes stay open: one artefact for all sizes, against PyTorch in double precision."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("fairway.compiler", exc_type=ImportError)
from torch import nn  # noqa: E402

import fairway  # noqa: E402
from fairway.verification.accuracy import relative_error  # noqa: E402

Tensor = torch.Tensor
BATCH, SEQUENCE = fairway.Dim("batch", 1, 64), fairway.Dim("sequence", 1, 300)
WORDS = 50


class Convolutions(nn.Module):
    """A residual block as image networks have them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 24, 3, 2, 1), nn.Conv2d(24, 24, 3, 1, 1)
        self.na, self.nb = nn.BatchNorm2d(24), nn.BatchNorm2d(24)
        self.depth, self.head = nn.Conv2d(24, 24, 3, 1, 1, groups=24), nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.na(self.a(x)))
        x = nn.functional.max_pool2d(torch.relu(self.nb(self.b(x)) + x), 2)
        return self.head(self.depth(x).mean((2, 3)))


class Encoder(nn.Module):
    """Embeddings with positions, one layer of self-attention with a mask, and a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, 48), nn.Embedding(2048, 48)
        self.qkv, self.out = nn.Linear(48, 144), nn.Linear(48, 48)
        self.norm, self.head = nn.LayerNorm(48), nn.Linear(48, 7)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        batch, length = ids.shape
        x = self.words(ids) + self.places(torch.arange(length))
        q, k, v = (
            y.reshape(batch, length, 4, 12).transpose(1, 2) for y in self.qkv(x).chunk(3, -1)
        )
        scores = q @ k.transpose(-1, -2) / 12**0.5
        scores = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, 48)
        return self.head(self.norm(x + self.out(y)).mean(1))


class Decoder(nn.Module):
    """Causal attention by PyTorch's own function, a GELU, and scores for every place."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, 32), nn.Embedding(2048, 32)
        self.qkv, self.wide, self.narrow = nn.Linear(32, 96), nn.Linear(32, 64), nn.Linear(64, 32)
        self.norm = nn.LayerNorm(32)

    def forward(self, ids: Tensor) -> Tensor:
        batch, length = ids.shape
        x = self.words(ids) + self.places(torch.arange(length))
        q, k, v = (
            y.reshape(batch, length, 2, 16).transpose(1, 2)
            for y in self.qkv(self.norm(x)).chunk(3, -1)
        )
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + y.transpose(1, 2).reshape(batch, length, 32)
        x = x + self.narrow(nn.functional.gelu(self.wide(x)))
        return x @ self.words.weight.T


class Pieces(nn.Module):
    """The last place, places put in front, running along them, and what all have in common."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        longer = torch.cat([x[:, :1] * 2, x], 1)
        return x[:, -1], longer, x.softmax(1), longer.sum(1) / x.shape[1], x.amax((0, 1))


def images(batch: int, _: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, 3, 20, 20),)


def tokens(batch: int, length: int) -> tuple[Tensor, ...]:
    return (torch.randint(0, WORDS, (batch, length)),)


def masked(batch: int, length: int) -> tuple[Tensor, ...]:
    kept = torch.randint(1, max(length, 1) + 1, (batch, 1))
    return (*tokens(batch, length), (torch.arange(length) < kept).long())


def floats(batch: int, length: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, length, 9),)


def vectors(batch: int, _: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, 40),)


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(40, 72), nn.Tanh(), nn.Linear(72, 5), nn.Softmax(-1))


Inputs = Callable[[int, int], tuple[Tensor, ...]]
ONLY_BATCH: dict[int, Any] = {0: BATCH}
BOTH: dict[int, Any] = {0: BATCH, 1: SEQUENCE}
CASES: dict[str, tuple[Callable[[], nn.Module], Inputs, dict[str, Any]]] = {
    "perceptron": (perceptron, vectors, {"input": ONLY_BATCH}),
    "convolutions": (Convolutions, images, {"x": ONLY_BATCH}),
    "encoder": (Encoder, masked, {"ids": BOTH, "mask": BOTH}),
    "decoder": (Decoder, tokens, {"ids": BOTH}),
    "pieces": (Pieces, floats, {"x": BOTH}),
}


def as_arrays(value: Any) -> list[Any]:
    values = value if isinstance(value, tuple) else (value,)
    return [each.detach().numpy() for each in values]


def check(executable: fairway.Executable, model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """The answer is as near to double precision as PyTorch's own, or half of the digits."""
    with torch.no_grad():
        plain = as_arrays(model(*inputs))
        wide = [x.double() if x.is_floating_point() else x for x in inputs]
        exact = as_arrays(model.double()(*wide))
        model.float()
    found = as_arrays(executable(*inputs))
    assert [array.shape for array in found] == [array.shape for array in exact]
    allowed = max(1e-5, 4 * relative_error(plain, exact))
    assert relative_error(found, exact) < allowed


@pytest.mark.parametrize("name", CASES)
def test_one_artefact_serves_all_sizes(name: str, tmp_path: Path) -> None:
    make, draw, dims = CASES[name]
    model = make().eval()
    executable = fairway.compile(model, draw(2, 24), dims=dims, threads=2)
    named = {dim.name: (dim.min, dim.max) for axes in dims.values() for dim in axes.values()}
    assert executable.sizes == named
    drawn = [(random.randint(1, 9), random.randint(1, 300)) for _ in range(6)]
    for batch, length in [(1, 1), (1, 2), (2, 3), (3, 16), (2, 24), (64, 5), (2, 300), *drawn]:
        check(executable, model, draw(batch, length))
    loaded = fairway.load(executable.save(tmp_path / "model.so"))
    assert loaded.sizes == named
    check(loaded, model, draw(5, 33))


@pytest.mark.parametrize("name", ["perceptron", "convolutions", "decoder"])
def test_sizes_of_zero(name: str) -> None:
    make, draw, dims = CASES[name]
    model = make().eval()
    open_dims = {
        key: {axis: fairway.Dim(dim.name, 0, dim.max) for axis, dim in axes.items()}
        for key, axes in dims.items()
    }
    executable = fairway.compile(model, draw(2, 24), dims=open_dims)
    for batch, length in [(0, 8), (3, 0), (0, 0), (2, 5)]:
        check(executable, model, draw(batch, length))


def test_a_large_batch_is_what_its_samples_are() -> None:
    model = Convolutions().eval()
    executable = fairway.compile(model, images(1, 0), dims={"x": {0: "batch"}}, threads=2)
    (x,) = images(37, 0)
    whole = executable(x)
    singles = torch.cat([executable(each[None]) for each in x])
    assert torch.equal(whole, singles)


def test_a_size_outside_of_the_range_is_named() -> None:
    executable = fairway.compile(Encoder().eval(), masked(2, 24), dims=dict(CASES["encoder"][2]))
    with pytest.raises(fairway.InvalidArgument, match=r"'ids'.*65.*axis 0.*'batch'.*1 to 64"):
        executable(*masked(65, 4))
    with pytest.raises(fairway.InvalidArgument, match=r"301.*'sequence'.*1 to 300"):
        executable(*masked(2, 301))
    ids, _ = masked(3, 4)
    _, mask = masked(3, 5)
    with pytest.raises(fairway.InvalidArgument, match="'sequence'"):
        executable(ids, mask)


def test_many_threads_use_many_sizes() -> None:
    from concurrent.futures import ThreadPoolExecutor

    model = Decoder().eval()
    executable = fairway.compile(model, tokens(2, 24), dims=dict(CASES["decoder"][2]), threads=2)
    inputs = [tokens(random.randint(1, 8), random.randint(1, 200)) for _ in range(24)]
    alone = [executable(*each) for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: executable(*each), inputs * 4))
    for number, result in enumerate(together):
        assert torch.equal(result, alone[number % len(inputs)])
