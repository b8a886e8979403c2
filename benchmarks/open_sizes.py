# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artefacts for open sizes beside artefacts for exactly the sizes of each call.

    python benchmarks/open_sizes.py --threads 1 --models bert_base,gpt2

Each artefact is measured in a process of its own, in turns: in one process the weights of one
push those of the other out of the caches. Results are compared with PyTorch's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

import networks
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import fairway
from fairway.bench.priority import realtime

IMAGES = [(1, 0), (3, 0), (8, 0)]
TEXTS = [(1, 16), (1, 128), (1, 384), (4, 64)]
CALLS: dict[str, list[tuple[int, int]]] = {
    "mlp": [(1, 0), (3, 0), (8, 0), (64, 0)],
    "mobilenet_v2": IMAGES,
    "resnet50": IMAGES,
    "vit_b16": IMAGES,
    "bert_base": TEXTS,
    "gpt2": TEXTS,
}
WORDS, ROUNDS, SECONDS = 1000, 3, 2.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(CALLS), help="networks, with commas")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("network", "batch, length", "open ms", "fixed ms", "ratio", "error"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for name in options.models.split(","):
        found: dict[str, list[dict[str, Any]]] = {"open": [], "fixed": []}
        for _ in range(ROUNDS):
            for kind, runs in found.items():
                runs.append(_child(name, kind, options.threads))
        for call in CALLS[name]:
            key = str(call)
            least = {k: min(run[key]["seconds"] for run in found[k]) for k in found}
            worst = max(run[key]["error"] for runs in found.values() for run in runs)
            table.add_row(
                name,
                f"{call[0]}, {call[1]}" if call[1] else str(call[0]),
                *(f"{1e3 * least[kind]:.2f}" for kind in ("open", "fixed")),
                f"{least['open'] / least['fixed']:.2f}",
                f"{worst:.1e}",
            )
    Console().print(table)
    return 0


def _child(name: str, kind: str, threads: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", name, kind, str(threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


class _One(torch.nn.Module):
    """Calls a network by name: only named arguments have dimensions."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)


class _Two(_One):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return self.network(x, mask)


def measure(name: str, kind: str, threads: int) -> dict[str, Any]:
    """The least of the times of each of a network's calls, with the error.

    Args:
        name: The network.
        kind: `open` for one artefact, `fixed` for one for each call.
        threads: How many.
    """
    torch.manual_seed(0)
    module, examples = networks.build(name, 1)
    length = 0 if examples[0].is_floating_point() else examples[0].shape[1]
    axes: dict[int, Any] = {0: "batch"} | ({1: fairway.Dim("length", 1, 512)} if length else {})
    dims = dict.fromkeys(("x", "mask")[: len(examples)], axes)
    module = (_One, _Two)[len(examples) - 1](module).eval()
    one = fairway.compile(module, examples, dims=dims, threads=threads) if kind == "open" else None
    results: dict[str, Any] = {}
    for batch, words in CALLS[name]:
        inputs = _draw(examples, batch, words)
        executable = one or fairway.compile(module, inputs, threads=threads)
        with torch.no_grad():
            wanted = module(*inputs)
        error = float((executable(*inputs) - wanted).abs().max() / wanted.abs().max())
        results[str((batch, words))] = {"seconds": _least(executable, inputs), "error": error}
    return results


def _draw(examples: tuple[torch.Tensor, ...], batch: int, length: int) -> tuple[torch.Tensor, ...]:
    """Inputs like the examples, of other sizes; masks keep everything."""
    drawn: list[torch.Tensor] = []
    for example in examples:
        if example.is_floating_point():
            drawn.append(torch.randn(batch, *example.shape[1:]))
        elif drawn:
            drawn.append(torch.ones(batch, length, dtype=example.dtype))
        else:
            drawn.append(torch.randint(0, WORDS, (batch, length)))
    return tuple(drawn)


def _least(executable: Any, inputs: tuple[torch.Tensor, ...]) -> float:
    times: list[float] = []
    with realtime(os.geteuid() == 0):
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            executable(*inputs)
            times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        sys.exit(main())
