# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The sizes at which a model of open sizes is lowered, and the joined text."""

from __future__ import annotations

import itertools
import random

import pytest

from fairway.dims import Dim
from fairway.errors import InvalidArgument
from fairway.ingest.samples import candidates, choose, choose_within, join
from fairway.program import Size


def is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, number))


def check(numbers: list[tuple[int, int, int]]) -> None:
    """What the compiler relies on."""
    every = [number for triple in numbers for number in triple]
    assert len(set(every)) == len(every)
    for low, middle, high in numbers:
        assert 64 < low < middle < high
        assert is_prime(low)
        assert middle % 2 == 0
        assert is_prime(middle // 2)
        assert is_prime(high)
        for smaller, larger in itertools.combinations((low, middle, high), 2):
            assert larger - smaller > 64


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_usual_samples(count: int) -> None:
    check(choose(count))


def test_samples_lie_within_the_ranges() -> None:
    draw = random.Random()
    ends = [draw.randint(300, 5000), draw.randint(300, 5000)]
    starts = [draw.randint(0, 20), draw.randint(0, 20)]
    numbers = choose_within([("a", starts[0], ends[0]), ("b", starts[1], ends[1])])
    check(numbers)
    for triple, low, high in zip(numbers, starts, ends, strict=True):
        assert low <= triple[0] < triple[2] <= high


def test_samples_of_a_range_that_begins_late() -> None:
    low = random.randint(2000, 9000)
    (triple,) = choose_within([("a", low, None)])
    check([triple])
    assert triple[0] >= low


def test_too_short_a_range_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'short' cannot stay open: the model ends it at 150"):
        choose_within([("short", 1, 150)])


def test_the_model_may_reach_beyond_what_the_user_asks() -> None:
    tried = list(itertools.islice(candidates([("a", 1, 100)]), 4))
    assert tried[0] == choose(1)
    assert [numbers[0][2] <= 1024 for numbers in tried[1:]] == [True] * 3
    check(tried[3])


TEXT = """#loc = loc("a #map in quotes":1:2)
#map = affine_map<(d0) -> (d0)>
module {
  func.func @main(%x: tensor<SIZExf32> loc(#loc)) -> tensor<SIZExf32> {
    %e = tensor.empty() : tensor<SIZExf32> loc(#loc1)
    %y = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
      ins(%x : tensor<SIZExf32>) outs(%e : tensor<SIZExf32>) {
    ^bb0(%a: f32 loc(#loc), %b: f32 loc(#loc)):
      linalg.yield %a : f32 loc(#loc)
    } -> tensor<SIZExf32> loc(#loc1)
    return %y : tensor<SIZExf32> loc(#loc)
  } loc(#loc)
} loc(#loc)
#loc1 = loc("layer #loc \\"x\\""(#loc))
"""


def test_texts_are_joined() -> None:
    ir = pytest.importorskip("fairway.mlir.ir")
    numbers = choose(1)[0]
    size = Size('ba"tch', 0, None, 3, numbers)
    joined = join([TEXT.replace("SIZE", str(number)) for number in numbers], [size])
    assert joined.count('"a #map in quotes"') == 3
    assert joined.count('"layer #loc') == 3
    with ir.Context():
        parsed = ir.Module.parse(joined)
        modules = list(parsed.body.operations)
        assert [module.operation.name for module in modules] == ["builtin.module"] * 3
        for module, number in zip(modules, numbers, strict=True):
            fields = ir.DictAttr(ir.ArrayAttr(module.attributes["fairway.sizes"])[0])
            found = {name: ir.IntegerAttr(fields[name]).value for name in ("min", "max", "hint")}
            assert found == {"min": 0, "max": 2**63 - 1, "hint": 3}
            assert ir.StringAttr(fields["name"]).value == size.name
            assert ir.IntegerAttr(fields["sample"]).value == number
            assert f"tensor<{number}xf32>" in str(module)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("", 1, 2), "has no name"),
        (("n", -1), "'n' has the range -1 and more"),
        (("n", 5, 4), "'n' has the range 5 to 4"),
        (("n", 0, 0), "'n' has the range 0 to 0"),
    ],
)
def test_ranges_without_a_size_are_refused(fields: tuple, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Dim(*fields)
