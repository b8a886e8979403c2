# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options and output that several subcommands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fairway.dims import Dim
    from fairway.tuning import Database

__all__ = [
    "database",
    "dim_option",
    "emit",
    "importer_option",
    "json_option",
    "machine_changes",
    "named_values",
    "open_dim_option",
    "open_dims",
    "processor_options",
    "realtime_option",
    "size_text",
    "sizes",
    "threads_option",
    "tuning_option",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def _note_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta["fairway.json"] = value  # errors follow it too
    return value


def json_option(function: _F) -> _F:
    """Adds --json."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=_note_json,
        help="Print JSON for programs on standard output.",
    )(function)


def dim_option(function: _F) -> _F:
    """Adds --dim, which `sizes` reads."""
    return click.option(
        "--dim", "dims", multiple=True, metavar="NAME=SIZE", help="Size of a symbolic dimension."
    )(function)


def open_dim_option(function: _F) -> _F:
    """Adds --dim, which `open_dims` reads."""
    return click.option(
        "--dim",
        "dims",
        multiple=True,
        metavar="NAME=SIZE|MIN:MAX",
        help="Size of a symbolic dimension of an ONNX model, or the range in which it stays open "
        "until a call: 1:64, or 1: without an end.",
    )(function)


def threads_option(text: str) -> Callable[[_F], _F]:
    """Adds --threads with a help text."""
    return click.option("--threads", type=click.IntRange(1, 1024), help=text)


def importer_option(function: _F) -> _F:
    """Adds --importer."""
    return click.option(
        "--importer",
        metavar="NAME",
        help="The importer to use, if not the one found from MODEL; onnx-mlir takes ONNX models.",
    )(function)


def realtime_option(function: _F) -> _F:
    """Adds --realtime."""
    return click.option(
        "--realtime", is_flag=True, help="Measure at real-time priority (needs permission)."
    )(function)


def processor_options(text: str) -> Callable[[_F], _F]:
    """Adds --cpu with a help text, --features, and --machine, which `machine_changes` reads."""

    def add(function: _F) -> _F:
        function = click.option(
            "--machine",
            multiple=True,
            metavar="NAME=VALUE",
            help="A property of the processor to correct, such as l2_bytes=1048576.",
        )(function)
        function = click.option(
            "--features", help="Further processor features, such as +avx2,-fma."
        )(function)
        return click.option("--cpu", default="host", show_default=True, help=text)(function)

    return add


def tuning_option(function: _F) -> _F:
    """Adds --tuning FILE and --no-tuning."""
    function = click.option(
        "--no-tuning",
        "tuning",
        flag_value="",
        help="Use no tuning results.",
    )(function)
    return click.option(
        "--tuning",
        "tuning",
        metavar="FILE",
        help="The tuning database to use instead of the user's.",
    )(function)


def database(given: str | None) -> bool | Database:
    """What --tuning and --no-tuning say, as `fairway.compile` takes it."""
    from fairway.tuning import Database

    if given is None:
        return True
    return Database(Path(given)) if given else False


def machine_changes(texts: Sequence[str]) -> dict[str, float]:
    """What --machine says.

    Raises:
        click.BadParameter: A value is not a number.
    """
    changes: dict[str, float] = {}
    for name, text in named_values(texts, "--machine").items():
        try:
            changes[name] = int(text) if text.isdecimal() else float(text)
        except ValueError:
            raise click.BadParameter(f"'{text}' is not a number", param_hint="--machine") from None
    return changes


def emit(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Prints JSON."""
    click.echo(json.dumps(value, indent=2))


def named_values(values: Sequence[str], option: str) -> dict[str, str]:
    """Splits NAME=VALUE options.

    Raises:
        click.BadParameter: One has no `=`, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.BadParameter(f"'{text}' is not NAME=VALUE", param_hint=option)
        if name in found:
            raise click.BadParameter(f"'{name}' is given twice", param_hint=option)
        found[name] = value
    return found


def sizes(dims: Sequence[str]) -> dict[str, int]:
    """Reads the values of --dim.

    Raises:
        click.BadParameter: One is not NAME=SIZE, or a size is no positive whole number.
    """
    values = named_values(dims, "--dim")
    for name, text in values.items():
        if not text.isdecimal() or int(text) < 1:
            raise click.BadParameter(
                f"the size of '{name}' is '{text}', not a positive whole number",
                param_hint="--dim",
            )
    return {name: int(text) for name, text in values.items()}


def open_dims(dims: Sequence[str]) -> dict[str, int | Dim]:
    """Reads the values of --dim that may be ranges.

    Raises:
        click.BadParameter: One is neither NAME=SIZE nor NAME=MIN:MAX, or holds no size.
    """
    from fairway.dims import Dim
    from fairway.errors import InvalidArgument

    values = named_values(dims, "--dim")
    ranges = {name: text for name, text in values.items() if ":" in text}
    found: dict[str, int | Dim] = {}
    for name, text in ranges.items():
        low, _, high = text.partition(":")
        if not all(end.isdecimal() for end in (low, high) if end):
            raise click.BadParameter(
                f"the range of '{name}' is '{text}', not MIN:MAX", param_hint="--dim"
            )
        try:
            found[name] = Dim(name, int(low or 1), int(high) if high else None)
        except InvalidArgument as error:
            raise click.BadParameter(error.message, param_hint="--dim") from None
    fixed = sizes([text for text in dims if text.partition("=")[0] not in ranges])
    return {name: found[name] if name in found else fixed[name] for name in values}


def size_text(count: int) -> str:
    """Bytes for people: `1.5 MB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
