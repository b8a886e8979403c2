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
    from fairway.program import TensorSpec

__all__ = ["command"]

_EPILOG = """\b
Examples:
  fairway run resnet50.so --input x=image.npy --output results
  fairway run bert.so -i input_ids=ids.npy -i attention_mask=mask.npy
  fairway run resnet50.so --random --repeat 100 --threads 4
  fairway run bert.so --random --dim batch=8 --dim sequence=128
"""


@click.command("run", epilog=_EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-i", "--input", "inputs", multiple=True, metavar="NAME=FILE", help="A NumPy file (.npy)."
)
@click.option("--random", "use_random", is_flag=True, help="Random values for inputs not given.")
@options.dim_option
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
    dims: tuple[str, ...],
    seed: int,
    output: Path | None,
    threads: int | None,
    repeat: int,
    as_json: bool,
) -> None:
    """Run a saved MODEL and show its outputs and the time it took.

    Where the model leaves sizes open, the shapes of the inputs decide them; --dim says
    those that random inputs are to have.
    """
    from fairway.executable import load

    files = options.named_values(inputs, "--input")
    executable = load(model, threads=threads)
    feeds = {name: _read(name, Path(file)) for name, file in files.items()}
    sizes = options.sizes(dims)
    if sizes and not use_random:
        raise InvalidArgument(
            "--dim has no meaning without --random", hint="the inputs' files decide all sizes"
        )
    if use_random:
        feeds |= draw(_missing(executable, feeds, sizes), seed)
    results, seconds = _measure(executable, feeds, repeat)
    written = _write(results, output) if output is not None else {}
    if as_json:
        options.emit(_summary(results, seconds, executable.threads, written))
    else:
        _show(results, seconds, executable.threads, written)


def _missing(
    executable: Executable, feeds: Mapping[str, Any], sizes: Mapping[str, int]
) -> list[TensorSpec]:
    """The inputs that were not given, at the sizes that files and --dim say."""
    known = dict(sizes)
    for spec in executable.inputs:
        extents = feeds[spec.name].shape if spec.name in feeds else ()
        for name, extent in zip(spec.shape, extents, strict=False):
            if isinstance(name, str) and name in executable.sizes:
                known.setdefault(name, extent)
    names = [spec.name for spec in executable.inputs if spec.name not in feeds]
    for name in executable.sizes:
        if names and name not in known:
            raise InvalidArgument(
                f"the model leaves the size '{name}' open, and nothing says it",
                hint=f"give --dim {name}=SIZE, or the inputs as files",
            )
    specs = executable.inputs_at(known) if names else ()
    return [spec for spec in specs if spec.name in names]


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
