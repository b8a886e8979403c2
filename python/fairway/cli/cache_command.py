# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway cache`: look at and empty the cache of compiled code."""

from __future__ import annotations

import click

from fairway.cache import FOLDER_VARIABLE, SIZE_VARIABLE, Cache
from fairway.cli import options

__all__ = ["command"]

_EPILOG = f"""\b
Examples:
  fairway cache info
  fairway cache clear

{FOLDER_VARIABLE} moves the cache; {SIZE_VARIABLE} changes its size bound.
"""


@click.group("cache", epilog=_EPILOG)
def command() -> None:
    """Look at or empty the cache of compiled code."""


@command.command("info")
@options.json_option
def info(as_json: bool) -> None:
    """Show where the cache is and how much it holds."""
    found = Cache.default().info()
    if as_json:
        options.emit(
            {
                "folder": str(found.folder),
                "entries": found.entries,
                "bytes": found.bytes,
                "max_bytes": found.max_bytes,
            }
        )
        return
    click.echo(
        f"{found.folder}\n{found.entries} compiled models, {options.size_text(found.bytes)} "
        f"of at most {options.size_text(found.max_bytes)}"
    )


@command.command("clear")
@options.json_option
def clear(as_json: bool) -> None:
    """Remove all compiled code from the cache."""
    cache = Cache.default()
    count = cache.clear()
    if as_json:
        options.emit({"folder": str(cache.folder), "removed": count})
        return
    click.echo(f"removed {count} compiled model{'' if count == 1 else 's'} from {cache.folder}")
