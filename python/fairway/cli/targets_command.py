# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway targets`: what can be compiled for."""

from __future__ import annotations

import click

from fairway.cli import options

__all__ = ["command"]


@click.command("targets", epilog="\b\nExamples:\n  fairway targets\n  fairway targets --json\n")
@options.json_option
def command(as_json: bool) -> None:
    """List the targets that Fairway can compile for on this machine."""
    from fairway.targets import available

    targets = available().values()
    if as_json:
        options.emit([{"name": target.name, "summary": target.summary} for target in targets])
        return
    for target in targets:
        click.echo(f"{target.name}  {target.summary}")
