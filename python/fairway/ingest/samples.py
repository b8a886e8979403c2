# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The sizes at which a model of open sizes is lowered, and the text that joins the results.

The compiler compares the model at three sets of sizes in step. A number that is not the
same in all of them becomes a polynomial of the sizes. So the sizes are such that hardly any
other number looks like one of them, and that no small number divides their differences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from fairway.errors import InvalidArgument
from fairway.program import Size

__all__ = ["COUNT", "Numbers", "candidates", "choose", "choose_within", "join"]

Numbers = tuple[int, int, int]
"""What one size is in each sample: a prime, twice a prime, a prime."""

COUNT = 3
"""How many samples there are."""

# None divides a usual vocabulary: the compiler takes multiples for open (1733 divides GPT-2's).
_USUAL: tuple[Numbers, ...] = ((1009, 1082, 1151), (1511, 1594, 1789))
_LEAST = 65  # the compiler takes smaller numbers for what they are
_GAP = 67
_SPAN = 1 << 12  # a range as long as this has samples wherever it begins
_REACH = (1024, 512, 256)  # where models often end what users end earlier
_UNLIMITED = (1 << 63) - 1

_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*")')
_ALIAS = re.compile(r"(?<![\w@%])([#!])([A-Za-z_]\w*)(?![\w.<])")


def choose(count: int) -> list[Numbers]:
    """Chooses samples for that many sizes without regard for their ranges.

    What is right for a range is right beyond it, unless the model itself knows of an end.
    """
    chosen = list(_USUAL[:count])
    while len(chosen) < count:
        first = chosen[-1][-1] + _GAP
        chosen.append(next(_triples(range(first, first + _SPAN))))
    return chosen


def choose_within(ranges: Sequence[tuple[str, int, int | None]]) -> list[Numbers]:
    """Chooses samples within the ranges of the sizes.

    Args:
        ranges: Name, minimum and maximum of each size.

    Raises:
        InvalidArgument: A range is too short.
    """
    chosen: list[Numbers] = []
    for name, low, high in ranges:
        taken = {number for numbers in chosen for number in numbers}
        start = max(low, _USUAL[0][0])
        if high is None or high >= start + _SPAN:
            numbers = range(start, start + _SPAN)
        else:  # as large as possible
            numbers = range(high, max(low, _LEAST) - 1, -1)
        found = next((t for t in _triples(numbers) if not taken & set(t)), None)
        if found is None:
            raise InvalidArgument(
                f"the dimension '{name}' cannot stay open: the model ends it at {high}, and "
                "Fairway compares the model at three sizes that lie far apart",
                hint=f"fix '{name}': give its size in dims, or examples of that size",
            )
        chosen.append(found)
    return chosen


def candidates(ranges: Sequence[tuple[str, int, int | None]]) -> Iterator[list[Numbers]]:
    """Lists samples to try: the usual ones, then such as a model's own end may allow.

    Raises:
        InvalidArgument: A range is too short; at the end of the list.
    """
    yield choose(len(ranges))
    for reach in _REACH:
        yield choose_within([(name, low, high and max(high, reach)) for name, low, high in ranges])
    yield choose_within(ranges)


def join(texts: Sequence[str], sizes: Sequence[Size]) -> str:
    """Joins the program's text at each sample to one text, as `Program.module` describes.

    Args:
        texts: For each sample, a module as MLIR prints it.
        sizes: The sizes that stay open.
    """
    aliases: list[str] = []
    modules: list[str] = []
    resources: list[str] = []
    for index, text in enumerate(texts):
        # Constants that MLIR keeps in a section of their own are the same in all samples.
        code, mark, resource = text.partition("\n{-#")
        resources.append(mark + resource)
        lines = _rename(code, f"s{index}_").splitlines()
        aliases += [line for line in lines if line[:1] in ("#", "!")]
        body = [line for line in lines if line[:1] not in ("#", "!")]
        first = next(i for i, line in enumerate(body) if line.startswith("module {"))
        body[first] = f"module attributes {{{_attribute(sizes, index)}}} {{"
        modules += body
    assert len(set(resources)) == 1
    return "\n".join([*aliases, "module {", *modules, "}"]) + (resources[0] or "\n")


def _attribute(sizes: Sequence[Size], sample: int) -> str:
    """Gives `fairway.sizes = [...]` for one sample."""
    fields = (
        f"{{name = {json.dumps(size.name, ensure_ascii=False)}, min = {size.minimum} : i64, "
        f"max = {_UNLIMITED if size.maximum is None else size.maximum} : i64, "
        f"hint = {size.hint} : i64, sample = {size.samples[sample]} : i64}}"
        for size in sizes
    )
    return f"fairway.sizes = [{', '.join(fields)}]"


def _rename(text: str, prefix: str) -> str:
    """Gives every alias of attributes and types another name, outside of quoted text.

    `#map1` becomes `#s0_map1`; `#dialect.attribute` and `#dialect<...>` are no aliases.
    """
    parts = _QUOTED.split(text)
    parts[::2] = [_ALIAS.sub(rf"\1{prefix}\2", part) for part in parts[::2]]
    return "".join(parts)


def _triples(numbers: range) -> Iterator[Numbers]:
    """Finds samples, as near as possible to the beginning of a range, which may fall."""
    for i, first in enumerate(numbers):
        if not _is_prime(first):
            continue
        for j, middle in enumerate(numbers[i + _GAP :], i + _GAP):
            if middle % 2 or not _is_prime(middle // 2) or not _is_prime(abs(middle - first)):
                continue
            for last in numbers[j + _GAP :]:
                if _is_prime(last) and _is_prime(abs(last - middle)):
                    low, high = min(first, last), max(first, last)
                    yield low, middle, high


def _is_prime(number: int) -> bool:
    divisors = range(2, int(number**0.5) + 1)
    return number > 1 and all(number % divisor for divisor in divisors)
