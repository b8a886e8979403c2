# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures what this machine reaches: multiply-adds and bytes per second.

Nothing holds the probes up: the first only multiply-adds on registers, in enough
independent chains to hide their latency; the second only reads. The first is a program
that Fairway compiles, so it uses the vectors and threads that a model gets. The second is
NumPy's largest element of an array, whose loop is as simple as can be and does not depend
on Fairway's code being good.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fairway.bench.machine import last_level_cache_bytes
from fairway.bench.profiling import Peaks

__all__ = ["Probe", "fma_program"]

_CHAINS = 24  # enough work for each element that loads and stores do not count
_LINKS = 8  # multiply-adds in each chain
_SUMS = 4  # running totals of the chains
_ELEMENTS = 1 << 19  # for each thread: about ten milliseconds
_MEMORY_CACHES = 8  # how many last-level caches the array in memory fills
_USUAL_CACHE = 32 << 20  # where the system does not say
_SECONDS = 0.5


class Probe:
    """The probes, compiled and with their data at hand.

    Args:
        threads: How many threads to measure with.
    """

    def __init__(self, threads: int) -> None:
        import numpy as np

        import fairway

        self._threads = threads
        self._elements = _ELEMENTS * threads
        data = np.ones(self._elements, np.float32)
        executable = fairway.compile(fma_program(self._elements), threads=threads)
        self._compute: Callable[[], Any] = lambda: executable(data)
        self._cache = last_level_cache_bytes()
        self._size = _MEMORY_CACHES * (self._cache or _USUAL_CACHE)
        self._memory = _reader(self._size, threads)
        self._near = _reader(self._cache // 2, threads) if self._cache else None

    def measure(self) -> Peaks:
        """Measures the peaks, in a few seconds."""
        cache = None
        if self._cache and self._near:
            cache = self._cache // 2 / _best(self._near)
        flops = 2 * _CHAINS * (_LINKS + 1) * self._elements / _best(self._compute)
        return Peaks(flops, self._size / _best(self._memory), cache, self._threads)


def fma_program(elements: int) -> str:
    """A program whose every element goes through independent chains of multiply-adds.

    LLVM orders them chain after chain, so a processor that looks some sixty instructions
    ahead must find several chains there: many short ones, added up by multiply-adds too.
    """
    lines: list[str] = []
    totals = ["%x"] * _SUMS
    for chain in range(_CHAINS):
        value = "%x"
        for link in range(_LINKS):
            factor = f"%s{chain}" if link == 0 else "%a"
            lines.append(f"    %c{chain}_{link} = math.fma {value}, {factor}, %b : f32")
            value = f"%c{chain}_{link}"
        total = f"%t{chain}"
        lines.append(f"    {total} = math.fma {value}, %a, {totals[chain % _SUMS]} : f32")
        totals[chain % _SUMS] = total
    for i in range(1, _SUMS):
        lines.append(f"    %u{i} = arith.addf {totals[0]}, {totals[i]} : f32")
        totals[0] = f"%u{i}"
    starts = "\n".join(f"  %s{i} = arith.constant {i}.5 : f32" for i in range(_CHAINS))
    body = "\n".join(lines)
    shape = f"tensor<{elements}xf32>"
    return f"""
#id = affine_map<(i) -> (i)>
func.func @main(%in: {shape}) -> {shape} {{
  %a = arith.constant 0.9 : f32
  %b = arith.constant 0.1 : f32
{starts}
  %e = tensor.empty() : {shape}
  %r = linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel"]}}
      ins(%in : {shape}) outs(%e : {shape}) {{
  ^bb0(%x: f32, %o: f32):
{body}
    linalg.yield {totals[0]} : f32
  }} -> {shape}
  return %r : {shape}
}}
"""


def _reader(size: int, threads: int) -> Callable[[], Any]:
    """Reads an array with some threads, each its own part."""
    import numpy as np

    parts = np.array_split(np.ones(size // 4, np.float32), threads)
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(np.max, parts))


def _best(call: Callable[[], Any]) -> float:
    """The least time of a run: what the machine can do, not what it usually does."""
    call()
    best, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < _SECONDS:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best
