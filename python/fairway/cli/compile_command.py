# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway compile`: from a model's file or factory to model.so and model.h."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairway.cli import options
from fairway.cli.progress import Stages
from fairway.cli.sources import is_factory, model_and_arguments

if TYPE_CHECKING:
    from fairway.executable import Executable

__all__ = ["command"]

_EPILOG = """\b
MODEL is one of
  model.onnx             an ONNX model
  model.pt2              what torch.export.save wrote
  model.mlir             MLIR text in the form that Fairway takes
  package.module:name    a Python function without arguments that returns
                         (module, args) or (module, args, kwargs) or an
                         ExportedProgram

\b
Examples:
  fairway compile resnet50.onnx -o resnet50.so
  fairway compile bert.onnx --dim batch=1 --dim sequence=128
  fairway compile bert.onnx --dim batch=1 --dim sequence=1:512
  fairway compile mymodels.resnet:build -o resnet50.so --threads 4
  fairway compile model.pt2 --cpu x86-64-v3 --json
"""


@click.command("compile", epilog=_EPILOG)
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The library to write; the C header goes beside it. Default: MODEL's name with .so.",
)
@options.open_dim_option
@click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    metavar="NAME=1x3x224",
    help="Shape of an input of an ONNX model; sets the symbolic dimensions in it.",
)
@click.option("--target", default="cpu", show_default=True, help="See `fairway targets`.")
@options.processor_options("Processor to compile for.")
@options.threads_option("Threads to divide the work for.")
@options.importer_option
@click.option("--no-cache", is_flag=True, help="Neither read nor write the compilation cache.")
@options.tuning_option
@click.option(
    "--dump",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the IR after each stage into a new folder in this one. Default: FAIRWAY_DUMP.",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Run the result and compare it with the framework; an ONNX model on random inputs.",
)
@options.json_option
def command(
    model: str,
    output: Path | None,
    dims: tuple[str, ...],
    shapes: tuple[str, ...],
    target: str,
    cpu: str,
    features: str | None,
    machine: tuple[str, ...],
    threads: int | None,
    importer: str | None,
    no_cache: bool,
    tuning: str | None,
    dump: Path | None,
    verify: bool,
    as_json: bool,
) -> None:
    """Compile MODEL to a shared library that holds its code and weights."""
    from fairway import driver
    from fairway.tensors import draw
    from fairway.verification import verify as check

    path = output or Path(_stem(model) + ".so")
    with Stages() as stages:
        source, args, kwargs = model_and_arguments(model, stages)
        kwargs |= _examples(model, _shapes(shapes))
        compile_model = functools.partial(
            driver.compile,
            target=target,
            threads=threads,
            cpu=cpu,
            features=features,
            machine=options.machine_changes(machine),
            cache=not no_cache,
            tuning=options.database(tuning),
            importer=importer,
        )
        chosen = options.open_dims(dims) or None
        executable = compile_model(source, args, kwargs, dims=chosen, progress=stages, dump=dump)
        if verify:
            if not is_factory(model) and model.lower().endswith(".onnx"):
                args, kwargs = (), dict(draw(executable.inputs_at(_some_sizes(executable))))
            check(executable, driver.opened(source), args, kwargs, compile_model, stages)
        stages("writing the library")
        executable.save(path)
        parts, seconds = stages.seconds_by_stage(), stages.seconds()
    size = path.stat().st_size
    if as_json:
        options.emit(
            {
                "library": str(path),
                "header": str(path.with_suffix(".h")),
                "bytes": size,
                "seconds": round(seconds, 3),
                "stages": {stage: round(spent, 3) for stage, spent in parts.items()},
                "target": executable.target,
                "kernels": len(executable.kernels),
            }
        )
        return
    click.echo(
        f"{path}  {options.size_text(size)}, {len(executable.kernels)} kernels, "
        f"{seconds:.1f} s\n{path.with_suffix('.h')}"
    )


def _shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    values = options.named_values(texts, "--input-shape")
    try:
        return {name: tuple(int(size) for size in text.split("x")) for name, text in values.items()}
    except ValueError:
        raise click.BadParameter(
            "a shape is whole numbers with x between them, such as 1x3x224x224",
            param_hint="--input-shape",
        ) from None


def _examples(model: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Example inputs that have nothing but a shape, and take no memory."""
    if not shapes:
        return {}
    if not model.lower().endswith(".onnx"):
        raise click.BadParameter(
            "only ONNX models take it; other models bring their example arguments",
            param_hint="--input-shape",
        )
    import numpy as np

    zero = np.zeros((), np.uint8)
    return {name: np.broadcast_to(zero, shape) for name, shape in shapes.items()}


def _some_sizes(executable: Executable) -> dict[str, int]:
    """Small sizes for a run, out of the ranges of those that stay open."""
    return {
        name: max(low, 4) if high is None else max(low, min(4, high))
        for name, (low, high) in executable.sizes.items()
    }


def _stem(model: str) -> str:
    """The output's name without its ending: in the current folder."""
    name = model.rpartition(":")[2] if is_factory(model) else model
    return Path(name).stem
