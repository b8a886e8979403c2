# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway tune`: measure other ways to make a model's kernels, and keep what is faster."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fairway.cli import options
from fairway.cli.progress import Stages
from fairway.cli.sources import model_and_arguments

if TYPE_CHECKING:
    from rich.console import Console

    from fairway.tuning import Database, TuningResult

__all__ = ["command"]

_EPILOG = """\b
MODEL is what `fairway compile` takes. What wins is kept, and `fairway compile` and
`fairway.compile` use it from then on for the same machine and number of threads.

\b
Examples:
  fairway tune resnet50.onnx --threads 4
  fairway tune bert.onnx --dim batch=1 --dim sequence=128 --budget 600 --realtime
  fairway tune mymodels.resnet:build --json
  fairway tune --list
  fairway tune --clear

\b
Run it on an idle machine. Ctrl-C keeps what has won so far. FAIRWAY_TUNING_DIR
moves the database.
"""


@click.command("tune", epilog=_EPILOG)
@click.argument("model", required=False)
@options.threads_option("Threads to tune for.")
@options.dim_option
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="Seconds to spend, roughly.",
)
@click.option(
    "--variants",
    type=click.IntRange(1, 64),
    default=6,
    show_default=True,
    help="Tilings, and other changes, to try with each kernel.",
)
@click.option(
    "--runs",
    type=click.IntRange(1),
    default=15,
    show_default=True,
    help="Pairs of runs in which a variant meets the default.",
)
@options.realtime_option
@options.processor_options("Processor to compile for.")
@options.importer_option
@click.option("--tuning", metavar="FILE", help="The tuning database to use instead of the user's.")
@click.option("--list", "show_list", is_flag=True, help="Show what the database holds.")
@click.option("--clear", is_flag=True, help="Empty the database.")
@options.json_option
def command(
    model: str | None,
    threads: int | None,
    dims: tuple[str, ...],
    budget: float,
    variants: int,
    runs: int,
    realtime: bool,
    cpu: str,
    features: str | None,
    machine: tuple[str, ...],
    importer: str | None,
    tuning: str | None,
    show_list: bool,
    clear: bool,
    as_json: bool,
) -> None:
    """Measure other ways to make MODEL's kernels, and keep what is faster."""
    from fairway.tuning import Database, Settings, tune

    if sum((model is not None, show_list, clear)) != 1:
        raise click.UsageError("give a MODEL, or --list, or --clear")
    found = options.database(tuning)
    database = found if isinstance(found, Database) else Database.default()
    if show_list:
        return _list(database, as_json)
    if clear:
        return _clear(database, as_json)
    assert model is not None
    if realtime:
        from fairway.bench.priority import check_permission

        check_permission()
    with Stages() as stages:
        source, args, kwargs = model_and_arguments(model, stages)
        result = tune(
            source,
            args,
            kwargs,
            dims=options.sizes(dims) or None,
            threads=threads,
            cpu=cpu,
            features=features,
            machine=options.machine_changes(machine),
            tuning=database,
            settings=Settings(budget, variants, runs, realtime),
            progress=stages,
            importer=importer,
        )
    if as_json:
        options.emit({"model": model, "database": str(database.path), **result.to_json()})
    else:
        _show(result, database)
    return None


def _list(database: Database, as_json: bool) -> None:
    records = database.records()
    if as_json:
        options.emit([asdict(record) for record in records])
        return
    click.echo(f"{database.path}\n{len(records)} kernels")
    if not records:
        return
    from datetime import datetime, timezone

    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("model", "kernel", "threads", "default ms", "ms", "gain", "when"):
        left = column in ("model", "kernel", "when")
        table.add_column(column, justify="left" if left else "right")
    table.add_column("configuration", overflow="fold")
    for record in records:
        when = datetime.fromtimestamp(record.created, timezone.utc)
        table.add_row(
            record.model,
            record.name,
            str(record.threads),
            f"{record.default_seconds * 1e3:.3f}",
            f"{record.seconds * 1e3:.3f}",
            _gain(record.ratio),
            when.strftime("%Y-%m-%d %H:%M") + ("" if record.confirmed else ", not confirmed"),
            record.config.replace("[", r"\["),
        )
    _console().print(table)


def _clear(database: Database, as_json: bool) -> None:
    count = database.clear()
    if as_json:
        options.emit({"database": str(database.path), "removed": count})
        return
    click.echo(f"removed {count} kernel{'' if count == 1 else 's'} from {database.path}")


def _show(result: TuningResult, database: Database) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("kernel", "calls", "tried", "default ms", "best ms", "gain"):
        table.add_column(column, justify="left" if column == "kernel" else "right")
    table.add_column("configuration", overflow="fold")
    for kernel in result.kernels:
        won = kernel.best is not None
        table.add_row(
            kernel.name,
            str(kernel.calls),
            str(len(kernel.trials)),
            f"{kernel.measured.first * 1e3:.3f}",
            f"{kernel.measured.second * 1e3:.3f}" if won else "",
            _gain(kernel.measured.ratio) if won else "",
            str(kernel.best if won else kernel.default).replace("[", r"\["),
            style=None if won else "dim",
        )
    _console().print(table)
    click.echo(_verdict(result, database))


def _console() -> Console:
    """Standard output; a pipe has no width of its own, and lines in it should stay whole."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=200)


def _gain(ratio: float) -> str:
    """A ratio of times as the share of time that is saved."""
    return f"{(1.0 - ratio) * 100:.0f} %"


def _verdict(result: TuningResult, database: Database) -> str:
    count, threads = len(result.winners), result.threads
    head = f"{result.rounds} builds in {result.seconds:.0f} s, {threads} threads. "
    if result.interrupted:
        kept = f"kept {count} kernels, not measured again" if result.kept else "nothing to keep"
        return f"{head}Interrupted: {kept}."
    if result.whole is None:
        return f"{head}No kernel is faster than the default: nothing to keep."
    whole = result.whole
    times = (
        f"the whole model takes {whole.second * 1e3:.3f} ms instead of {whole.first * 1e3:.3f}, "
        f"{whole.ratio:.3f} times the time (± {whole.spread:.3f})"
    )
    if not result.kept:
        return f"{head}{count} kernels look faster alone, but {times}: nothing kept."
    return f"{head}{count} kernels are faster, and {times}: kept in {database.path}."
