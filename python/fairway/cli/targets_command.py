# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway targets`: what can be compiled for."""

from __future__ import annotations

from dataclasses import asdict

import click

from fairway.cli import options

__all__ = ["command"]


_EPILOG = """\b
Examples:
  fairway targets
  fairway targets --cpu x86-64-v4
  fairway targets --json
"""


@click.command("targets", epilog=_EPILOG)
@options.processor_options("The processor to describe.")
@options.json_option
def command(cpu: str, features: str | None, machine: tuple[str, ...], as_json: bool) -> None:
    """List the targets, with what Fairway knows of the processor to compile for.

    The properties steer how work is cut into pieces. `fairway compile --machine` replaces
    those that are not right.
    """
    from fairway.targets import available

    changes = options.machine_changes(machine)
    found = [(target, target.machine(cpu, features, changes)) for target in available().values()]
    if as_json:
        options.emit(
            [
                {"name": target.name, "summary": target.summary, "machine": asdict(described)}
                for target, described in found
            ]
        )
        return
    for target, described in found:
        click.echo(f"{target.name}  {target.summary}")
        click.echo(f"  {'processor':24}{described.cpu} ({described.triple})")
        for name, value in described.description.items():
            click.echo(f"  {name:24}{value:g}" if value < 1e4 else f"  {name:24}{value:.0f}")
