# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway run`: a saved model on inputs from files."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairway.cli import options
from fairway.errors import ArtifactError, InvalidArgument
from fairway.tensors import draw

if TYPE_CHECKING:
    from fairway.executable import Executable

__all__ = ["command"]

_EPILOG = """\b
Examples:
  fairway run resnet50.so --input x=image.npy --output results
  fairway run bert.so -i input_ids=ids.npy -i attention_mask=mask.npy
  fairway run resnet50.so --random --repeat 100 --threads 4
"""


@click.command("run", epilog=_EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-i", "--input", "inputs", multiple=True, metavar="NAME=FILE", help="A NumPy file (.npy)."
)
@click.option("--random", "use_random", is_flag=True, help="Random values for inputs not given.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of --random.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the outputs, one NAME.npy each.",
)
@options.threads_option("Threads to use.")
@click.option(
    "--repeat", type=click.IntRange(1), default=1, show_default=True, help="Runs, to measure time."
)
@options.json_option
def command(
    model: Path,
    inputs: tuple[str, ...],
    use_random: bool,
    seed: int,
    output: Path | None,
    threads: int | None,
    repeat: int,
    as_json: bool,
) -> None:
    """Run a saved MODEL and show its outputs and the time it took."""
    from fairway.executable import load

    files = options.named_values(inputs, "--input")
    executable = load(model, threads=threads)
    feeds = {name: _read(name, Path(file)) for name, file in files.items()}
    if use_random:
        missing = [spec for spec in executable.inputs if spec.name not in feeds]
        feeds |= draw(missing, seed)
    results, seconds = _measure(executable, feeds, repeat)
    written = _write(results, output) if output is not None else {}
    if as_json:
        options.emit(_summary(results, seconds, executable.threads, written))
    else:
        _show(results, seconds, executable.threads, written)


def _measure(
    executable: Executable, feeds: Mapping[str, Any], repeat: int
) -> tuple[dict[str, Any], list[float]]:
    results: dict[str, Any] = {}
    seconds: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        results = executable.run(feeds)
        seconds.append(time.perf_counter() - start)
    return results, seconds


def _read(name: str, file: Path) -> Any:
    import numpy as np

    try:
        return np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise InvalidArgument(f"the file of input '{name}' does not exist: {file}") from None
    except (OSError, ValueError, EOFError) as error:
        raise InvalidArgument(
            f"the file of input '{name}' is no NumPy file: {error}",
            where=str(file),
            hint="write it with numpy.save(file, array)",
        ) from error


def _write(results: Mapping[str, Any], folder: Path) -> dict[str, str]:
    import numpy as np

    files: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in results.items():
            file = folder / f"{name.replace('/', '_')}.npy"
            np.save(file, value, allow_pickle=False)
            files[name] = str(file)
    except OSError as error:
        raise ArtifactError(
            f"cannot write the outputs: {error.strerror or error}", where=str(folder)
        ) from error
    return files


def _summary(
    results: Mapping[str, Any], seconds: Sequence[float], threads: int, files: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "threads": threads,
        "runs": len(seconds),
        "milliseconds": {
            "median": statistics.median(seconds) * 1e3,
            "min": min(seconds) * 1e3,
            "max": max(seconds) * 1e3,
        },
        "outputs": [
            {
                "name": name,
                "dtype": str(value.dtype),
                "shape": list(value.shape),
                "file": files.get(name),
            }
            for name, value in results.items()
        ],
    }


def _show(
    results: Mapping[str, Any], seconds: Sequence[float], threads: int, files: Mapping[str, str]
) -> None:
    import numpy as np

    for name, value in results.items():
        click.echo(f"{name}: {value.dtype}{list(value.shape)}")
        if name in files:
            click.echo(f"  written to {files[name]}")
        else:
            click.echo(
                "  " + np.array2string(value, threshold=8, edgeitems=2).replace("\n", "\n  ")
            )
    median = statistics.median(seconds) * 1e3
    spread = f" (min {min(seconds) * 1e3:.3f}, {len(seconds)} runs)" if len(seconds) > 1 else ""
    click.echo(f"{median:.3f} ms{spread} on {threads} thread{'s' if threads > 1 else ''}")
