# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway inspect`: what a saved model is and needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairway.cli import options
from fairway.tensors import shape_text

if TYPE_CHECKING:
    from fairway.executable import Executable
    from fairway.plan import Buffer, Plan

__all__ = ["command"]

_EPILOG = """\b
Examples:
  fairway inspect resnet50.so
  fairway inspect resnet50.so --kernels
  fairway inspect resnet50.so --plan
  fairway inspect bert.so --plan --dim batch=8 --dim sequence=128
  fairway inspect resnet50.so --json | jq .inputs
  fairway inspect resnet50.so --plan --json | jq .plan.steps[0]
"""


@click.command("inspect", epilog=_EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--kernels", "show_kernels", is_flag=True, help="List every kernel.")
@click.option(
    "--plan", "show_plan", is_flag=True, help="List every step: partition, barriers, buffers."
)
@options.dim_option
@options.json_option
def command(
    model: Path, show_kernels: bool, show_plan: bool, dims: tuple[str, ...], as_json: bool
) -> None:
    """Show the inputs, outputs, target, kernels, plan and sizes of a saved MODEL.

    Work, memory and plan of a model that leaves sizes open are those at the sizes that
    --dim gives, else an example.
    """
    from fairway.executable import load

    executable = load(model)
    plan = executable.plan(options.sizes(dims) or None)
    facts = _facts(executable, model, plan)
    if as_json:
        options.emit({**facts, "plan": plan.to_json()} if show_plan else facts)
    else:
        _show(executable, facts, plan, show_kernels)
        if show_plan:
            _show_plan(plan)


def _facts(executable: Executable, model: Path, plan: Plan) -> dict[str, Any]:
    return {
        "file": str(model),
        "bytes": model.stat().st_size,
        "version": executable.version,
        "framework": executable.framework,
        "target": executable.target,
        "inputs": [spec.to_json() for spec in executable.inputs],
        "outputs": [spec.to_json() for spec in executable.outputs],
        "sizes": [
            {"name": name, "minimum": low, "maximum": high}
            for name, (low, high) in executable.sizes.items()
        ],
        "kernels": [asdict(kernel) for kernel in plan.kernels()],
        "steps": len(plan.steps),
        "barriers": plan.barriers,
        "flops": plan.flops,
        "memory": {
            "weights": executable.weights_bytes(),
            "arena": plan.arena_bytes,
            "arena_in_use_at_once": plan.live_bytes,
            "scratch_per_thread": plan.scratch_bytes,
        },
    }


def _show(executable: Executable, facts: dict[str, Any], plan: Plan, show_kernels: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    memory = facts["memory"]
    summary = Table.grid(padding=(0, 2))
    for name, value in (
        ("file", f"{facts['file']}, {options.size_text(facts['bytes'])}"),
        ("compiled by", f"Fairway {facts['version']} from {facts['framework']}"),
        ("target", facts["target"]),
        (
            "kernels",
            f"{len(facts['kernels'])} in {facts['steps']} steps, {facts['barriers']} barriers",
        ),
        ("work", f"{facts['flops'] / 1e9:.3f} GFLOP a run{_condition(plan)}"),
        (
            "memory",
            f"weights {options.size_text(memory['weights'])}, "
            f"arena {options.size_text(memory['arena'])}, "
            f"scratch {options.size_text(memory['scratch_per_thread'])} a thread"
            f"{_condition(plan)}",
        ),
    ):
        summary.add_row(f"[bold]{name}[/]", value)
    for name, (low, high) in executable.sizes.items():
        limits = f"{low} or more" if high is None else f"{low} to {high}"
        summary.add_row("[bold]open size[/]", escape(f"{name}, {limits}"))
    console.print(summary)
    tensors = Table(title_justify="left", box=None, pad_edge=False)
    for column in ("", "name", "dtype", "shape"):
        tensors.add_column(column)
    for spec in (*executable.inputs, *executable.outputs):
        tensors.add_row(spec.kind, spec.name, spec.dtype, escape(shape_text(spec.shape)))
    console.print(tensors)
    if show_kernels:
        kernels = Table(box=None, pad_edge=False)
        for column in ("kernel", "calls", "MFLOP", "kB"):
            kernels.add_column(column, justify="left" if column == "kernel" else "right")
        kernels.add_column("configuration", overflow="fold")
        for kernel in plan.kernels():
            kernels.add_row(
                kernel.name,
                str(kernel.calls),
                f"{kernel.flops / 1e6:.3f}",
                f"{kernel.bytes / 1e3:.1f}",
                kernel.config.replace("[", r"\["),
            )
        console.print(kernels)


def _condition(plan: Plan) -> str:
    """For which sizes that is, if it depends on any."""
    given = ", ".join(f"{name} = {size}" for name, size in plan.sizes.items())
    return f" with {given}" if given else ""


def _show_plan(plan: Plan) -> None:
    from rich.console import Console
    from rich.table import Table

    steps = Table(box=None, pad_edge=False, caption="= all workers meet before this step")
    for column in ("step", "", "kernel", "MFLOP", "kB", "tiles", "result/tile"):
        left = column in ("kernel", "result/tile")
        steps.add_column(column, justify="left" if left else "right", no_wrap=True)
    for column in ("reads", "writes"):
        steps.add_column(column, overflow="fold", min_width=24)
    for number, step in enumerate(plan.steps):
        steps.add_row(
            str(number),
            "=" if step.barrier else "",
            step.name,
            f"{step.flops / 1e6:.3f}",
            f"{step.bytes / 1e3:.1f}",
            str(step.tiles),
            step.partition,
            "\n".join(_place(buffer) for buffer in step.buffers if not buffer.written),
            "\n".join(_place(buffer) for buffer in step.buffers if buffer.written),
        )
    console = Console()
    # A pipe has no width of its own; names in it should stay whole.
    console.print(steps, width=None if console.is_terminal else 200)


def _place(buffer: Buffer) -> str:
    from rich.markup import escape

    size = options.size_text(buffer.nbytes)
    if buffer.lifetime is None:
        return escape(f"{buffer.name} ({size})")
    first, last = buffer.lifetime
    return f"arena+{buffer.offset} ({size}, steps {first}-{last})"
