# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command group: finds subcommands when they are used and reports errors."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from fairway.cli.exits import exit_code
from fairway.errors import Error

__all__ = ["main"]

# Subcommand -> module of this package that defines a command of that name.
_COMMANDS = ("compile", "run", "bench", "inspect", "doctor", "targets", "tune", "cache")

_EPILOG = """\b
Examples:
  fairway compile resnet50.onnx -o resnet50.so
  fairway inspect resnet50.so
  fairway run resnet50.so --input x=image.npy --output results
  fairway bench resnet50.onnx --threads 4
  fairway tune resnet50.onnx --threads 4
  fairway doctor

\b
Exit codes:
  0 success              5 artefact unusable or cannot be written
  1 defect in Fairway    6 an input or option does not fit
  2 wrong usage          7 an optional package is missing
  3 invalid model        8 the device failed
  4 unsupported op       9 the cache or tuning database cannot be used
"""


class Commands(click.Group):
    """Imports a subcommand's module only when it is needed, and shows errors shortly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return importlib.import_module(f"fairway.cli.{cmd_name}_command").command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params.get("traceback") or os.environ.get("FAIRWAY_TRACEBACK"):
                raise
            _report(error, as_json=bool(ctx.meta.get("fairway.json")))
            ctx.exit(int(exit_code(error)))


def _report(error: Exception, *, as_json: bool) -> None:
    """Shows an error on one screen, or as JSON where the command speaks JSON."""
    kind = type(error).__name__
    if as_json:
        import json

        fields = {"kind": kind, "message": str(error), "where": None, "hint": None}
        if isinstance(error, Error):
            fields.update(message=error.message, where=error.where, hint=error.hint)
        click.echo(json.dumps({"error": fields}, indent=2))
        return
    if isinstance(error, Error):
        click.echo(f"{click.style('error', fg='red', bold=True)}: {error}", err=True)
        return
    click.echo(f"{click.style('error', fg='red', bold=True)}: {kind}: {error}", err=True)
    click.echo("  hint: run `fairway --traceback ...` to see where it happened", err=True)


@click.command(
    cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--traceback", is_flag=True, help="Show Python's traceback on an error.")
@click.version_option(package_name="fairway", message="fairway %(version)s")
def main(traceback: bool) -> None:
    """Compile machine-learning models to small, fast shared libraries, and run them."""
    del traceback  # read by Commands.invoke
    # A model named package.module:callable is looked up from the current folder too.
    if "" not in sys.path:
        sys.path.insert(0, "")
