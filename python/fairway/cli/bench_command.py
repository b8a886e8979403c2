# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway bench`: a model beside the peers, same inputs, same threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairway.bench.contenders import PEERS
from fairway.cli import options
from fairway.cli.progress import Stages
from fairway.cli.sources import model_and_arguments
from fairway.errors import ArtifactError

if TYPE_CHECKING:
    from fairway.bench import Comparison

__all__ = ["command"]

_EPILOG = """\b
MODEL is what `fairway compile` takes, or a library that it wrote:
  model.onnx, model.pt2, model.mlir, model.so, package.module:function

\b
The peers of --against:
  torch        PyTorch, op by op          PyTorch models
  inductor     torch.compile, frozen      PyTorch models
  onnxruntime  ONNX Runtime               PyTorch and ONNX models
  openvino     OpenVINO                   PyTorch and ONNX models
  iree         IREE's compiler, runtime   PyTorch and ONNX models
A peer that is not installed, or cannot run the model, is listed with the reason.

\b
Examples:
  fairway bench resnet50.onnx
  fairway bench bert.onnx --batch 8 --dim sequence=128 --threads 4
  fairway bench mymodels.resnet:build --against inductor,openvino --realtime
  fairway bench resnet50.so --profile --roofline roofline.svg

\b
Every contender runs in a process of its own and only one at a time, in turns.
Ends with 1 if Fairway's results are wrong.
"""
_SHOWN_KERNELS = 20


@click.command("bench", epilog=_EPILOG)
@click.argument("model")
@click.option(
    "--against",
    default=",".join(PEERS),
    show_default=True,
    metavar="NAMES",
    help="Peers with commas between them; '' for none.",
)
@options.threads_option("Threads for each contender.")
@click.option(
    "--batch",
    type=click.IntRange(1),
    help="Size of the symbolic first dimension of an ONNX model's inputs; the argument "
    "of a Python function.",
)
@options.dim_option
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="Measured runs of each contender, at least.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=3.0,
    show_default=True,
    help="Seconds of measured runs of each contender, at least.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Turns in which each contender does its runs.",
)
@options.realtime_option
@click.option("--profile", is_flag=True, help="Measure each of Fairway's kernels too.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw bars.")
@click.option(
    "--roofline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the kernels under the machine's peaks; sets --profile.",
)
@click.option("--json", "json_file", metavar="FILE", help="Write JSON; - for standard output.")
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    against: str,
    threads: int | None,
    batch: int | None,
    dims: tuple[str, ...],
    repeats: int,
    seconds: float,
    rounds: int,
    realtime: bool,
    profile: bool,
    chart: Path | None,
    roofline: Path | None,
    json_file: str | None,
) -> None:
    """Measure MODEL with Fairway and with its peers."""
    from fairway import bench

    ctx.meta["fairway.json"] = json_file == "-"
    if chart or roofline:
        from fairway.bench import charts

        for path in filter(None, (chart, roofline)):
            charts.check_available(path)
    with Stages() as stages:
        source, args, kwargs = model_and_arguments(model, stages, batch)
        found = bench.compare(
            source,
            args,
            kwargs,
            against=[name for name in against.split(",") if name],
            threads=threads,
            dims=options.sizes(dims) | _batch_dims(source, batch),
            settings=bench.Settings(seconds, repeats, min(rounds, repeats), realtime),
            profile=profile or roofline is not None,
            progress=stages,
        )
    if json_file is not None:
        _write(found, model, json_file)
    if json_file != "-":
        _show(found)
    if chart or roofline:
        _draw(found, Path(model.rpartition(":")[2]).stem, chart, roofline)
    if found.fairway.correct is False:
        ctx.exit(1)


def _batch_dims(source: Any, batch: int | None) -> dict[str, int]:
    """The names of the dimensions that --batch sets."""
    if batch is None or not isinstance(source, str):
        return {}
    if not source.lower().endswith(".onnx"):
        raise click.BadParameter(
            "the shapes of this kind of model are fixed; export it for another batch size",
            param_hint="--batch",
        )
    from fairway.bench.onnx_dims import leading_symbols

    names = leading_symbols(Path(source))
    if not names:
        raise click.BadParameter(
            "no input of this ONNX model has a symbolic first dimension", param_hint="--batch"
        )
    return dict.fromkeys(names, batch)


def _write(found: Comparison, model: str, target: str) -> None:
    from dataclasses import asdict

    from fairway.bench.machine import describe

    report = {"model": model, "machine": asdict(describe()), **found.to_json()}
    text = json.dumps(report, indent=2) + "\n"
    if target == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArtifactError(
            f"cannot write the results: {error.strerror or error}", where=target
        ) from error


def _show(found: Comparison) -> None:
    from rich.console import Console

    from fairway.bench.tables import comparison_table, profile_table

    console = Console()
    console.print(comparison_table(found))
    if found.profile is not None:
        console.print(profile_table(found.profile, _SHOWN_KERNELS))


def _draw(found: Comparison, name: str, chart: Path | None, roofline: Path | None) -> None:
    from fairway.bench import charts

    if chart is not None:
        times = {o.name: o.times.median * 1e3 for o in found.outcomes if o.times}
        charts.bars(chart, {name: times}, f"{name}, {found.threads} threads", "milliseconds")
    if roofline is not None and found.profile is not None:
        charts.roofline(roofline, found.profile, f"{name}, {found.threads} threads")
