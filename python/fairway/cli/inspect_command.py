# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway inspect`: what a saved model is and needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairway.cli import options

if TYPE_CHECKING:
    from fairway.executable import Executable

__all__ = ["command"]

_EPILOG = """\b
Examples:
  fairway inspect resnet50.so
  fairway inspect resnet50.so --kernels
  fairway inspect resnet50.so --json | jq .inputs
"""


@click.command("inspect", epilog=_EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--kernels", "show_kernels", is_flag=True, help="List every kernel.")
@options.json_option
def command(model: Path, show_kernels: bool, as_json: bool) -> None:
    """Show the inputs, outputs, target, kernels and sizes of a saved MODEL."""
    from fairway.executable import load

    executable = load(model)
    facts = _facts(executable, model)
    if as_json:
        options.emit(facts)
    else:
        _show(executable, facts, show_kernels)


def _facts(executable: Executable, model: Path) -> dict[str, Any]:
    plan = executable.plan()
    return {
        "file": str(model),
        "bytes": model.stat().st_size,
        "version": executable.version,
        "framework": executable.framework,
        "target": executable.target,
        "inputs": [spec.to_json() for spec in executable.inputs],
        "outputs": [spec.to_json() for spec in executable.outputs],
        "kernels": [asdict(kernel) for kernel in executable.kernels],
        "steps": len(plan.steps),
        "flops": plan.flops,
        "memory": {
            "weights": executable.weights_bytes(),
            "arena": plan.arena_bytes,
            "scratch_per_thread": plan.scratch_bytes,
        },
    }


def _show(executable: Executable, facts: dict[str, Any], show_kernels: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    memory = facts["memory"]
    summary = Table.grid(padding=(0, 2))
    for name, value in (
        ("file", f"{facts['file']}, {options.size_text(facts['bytes'])}"),
        ("compiled by", f"Fairway {facts['version']} from {facts['framework']}"),
        ("target", facts["target"]),
        ("kernels", f"{len(facts['kernels'])} in {facts['steps']} steps"),
        ("work", f"{facts['flops'] / 1e9:.3f} GFLOP a run"),
        (
            "memory",
            f"weights {options.size_text(memory['weights'])}, "
            f"arena {options.size_text(memory['arena'])}, "
            f"scratch {options.size_text(memory['scratch_per_thread'])} a thread",
        ),
    ):
        summary.add_row(f"[bold]{name}[/]", value)
    console.print(summary)
    tensors = Table(title_justify="left", box=None, pad_edge=False)
    for column in ("", "name", "dtype", "shape"):
        tensors.add_column(column)
    for spec in (*executable.inputs, *executable.outputs):
        tensors.add_row(spec.kind, spec.name, spec.dtype, str(list(spec.shape)))
    console.print(tensors)
    if show_kernels:
        kernels = Table(box=None, pad_edge=False)
        for column in ("kernel", "calls", "MFLOP", "kB"):
            kernels.add_column(column, justify="left" if column == "kernel" else "right")
        for kernel in executable.kernels:
            kernels.add_row(
                kernel.name,
                str(kernel.calls),
                f"{kernel.flops / 1e6:.3f}",
                f"{kernel.bytes / 1e3:.1f}",
            )
        console.print(kernels)
