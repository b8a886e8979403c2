# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures Fairway beside its peers: same inputs, same threads, checked results.

    import fairway.bench

    found = fairway.bench.compare(model, (x,), against=("inductor", "onnxruntime"), threads=4)
    print(found.table())

How it measures, and why so, is in docs/benchmarking.md.
"""

from __future__ import annotations

from fairway.bench.comparison import Comparison, Outcome, Settings, compare
from fairway.bench.summary import Summary

__all__ = ["Comparison", "Outcome", "Settings", "Summary", "compare"]
