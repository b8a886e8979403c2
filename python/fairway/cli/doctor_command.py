# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`fairway doctor`: what this installation can do here."""

from __future__ import annotations

from dataclasses import asdict

import click

from fairway import doctor
from fairway.cli import options
from fairway.cli.exits import ExitCode

__all__ = ["command"]

_EPILOG = """\b
Examples:
  fairway doctor
  fairway doctor --json
  cc -I"$(fairway doctor --include-dir)" main.c \\
    -L"$(fairway doctor --lib-dir)" -lfairway_runtime

Ends with 7 if something that Fairway needs does not work.
"""

_MARKS = {"ok": ("ok", "green"), "missing": ("--", "yellow"), "problem": ("!!", "red")}


@click.command("doctor", epilog=_EPILOG)
@click.option("--include-dir", is_flag=True, help="Print only the folder of the C headers.")
@click.option("--lib-dir", is_flag=True, help="Print only the folder of the runtime library.")
@options.json_option
@click.pass_context
def command(ctx: click.Context, include_dir: bool, lib_dir: bool, as_json: bool) -> None:
    """Show versions, processor features, importers, and what is missing."""
    if include_dir:
        click.echo(doctor.include_folder())
        return
    if lib_dir:
        click.echo(doctor.runtime_folder())
        return
    checks = doctor.examine()
    if as_json:
        options.emit({"checks": [asdict(check) for check in checks]})
    else:
        _show(checks)
    if any(check.status == "problem" for check in checks):
        ctx.exit(int(ExitCode.MISSING_DEPENDENCY))


def _show(checks: list[doctor.Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for check in checks:
        mark, color = _MARKS[check.status]
        detail = check.detail + (f"\n{check.hint}" if check.hint else "")
        table.add_row(Text(mark, style=color), Text(check.name, style="bold"), Text(detail))
    Console().print(table)
