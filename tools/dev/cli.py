# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The commands of `./dev`."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable

from . import build, environments, system, third_party
from .doctor import report
from .failure import Failure
from .lock import exclusive
from .paths import ROOT, tool
from .progress import duration, run, say

FRAMEWORK_PYTHON = (3, 11)  # the pinned PyTorch exists for this version only
TESTS = ("lint", "cpp", "docs", "py311")
BENCH_HELP = (
    "Arguments: --quick, --parts networks,kernels,scaling,costs, --models resnet50,mlp,..., "
    "--threads 1,4, --batch 1,8, --against inductor,openvino,..., --resume (go on after an "
    "interruption), --page-only (write the page again). "
    "All of them: python benchmarks/run.py --help."
)


def main() -> int:
    """Runs one command.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    arguments, rest = _parser().parse_known_args()
    if rest and arguments.command not in ("test", "demo", "bench"):
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    action: Callable[[list[str]], None] = arguments.action
    start = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends children as Ctrl-C does
    try:
        action([argument for argument in rest if argument != "--"])
    except Failure as failure:
        print(f"dev: error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndev: interrupted; run it again to go on from here", file=sys.stderr)
        return 130
    if arguments.command != "doctor":
        # The last lines belong to the tests' own summary.
        print(
            f"dev: {arguments.command} finished in {duration(time.monotonic() - start)}",
            file=sys.stderr,
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev",
        description="Sets Fairway up and works on it. Each command does whatever it needs first "
        "and reuses what is already done.",
        epilog="Logs are in build/logs.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, action, text in (
        ("demo", demo, "build the wheel, install it, compile and run three real models"),
        ("test", test, "build everything and pass every test (arguments go to pytest)"),
        ("bench", bench, "measure beside the peers (arguments go to benchmarks/run.py)"),
        ("lint", lint, "check formatting, types and style"),
        ("build", build_all, "build the wheel and the programs for tests"),
        ("lock", lock, "pin the recipes of third_party/ in conan.lock"),
        ("doctor", doctor, "tell what is there and what is missing; changes nothing"),
    ):
        command = commands.add_parser(
            name, help=text, description=text, epilog=BENCH_HELP if name == "bench" else None
        )
        command.set_defaults(action=action)
    return parser


def _set_up(packages: list[str], python: tuple[int, int] | None) -> None:
    system.ensure_python(python)
    system.ensure_disk()
    system.ensure_packages(packages)
    environments.ensure_tools()
    third_party.ensure_locked()


def demo(arguments: list[str]) -> None:
    """Builds, installs, and runs the demonstration on the installed wheel."""
    with exclusive():
        _set_up(system.build_packages(), FRAMEWORK_PYTHON)
        wheel = build.ensure_wheel()
        python = environments.ensure_tested(wheel)
    say(f"wheel: {build.describe(wheel)}")
    run(
        "compiling and running three real models",
        [python, "-P", "examples/demo.py", *arguments],
        log="demo",
        show=True,
    )


def test(arguments: list[str]) -> None:
    """Builds everything and runs every test against the installed wheel."""
    with exclusive():
        _set_up(system.build_packages() + system.lint_packages(), FRAMEWORK_PYTHON)
        wheel = build.ensure_wheel()
        build.ensure_test_programs()
        environments.ensure_tested(wheel)
        _tox(TESTS, arguments)


def bench(arguments: list[str]) -> None:
    """Measures the wheel beside the peers and writes docs/performance.md."""
    with exclusive():
        _set_up(system.build_packages(), FRAMEWORK_PYTHON)
        wheel = build.ensure_wheel()
        python = environments.ensure_benchmarks(wheel)
    run(
        "measuring (the longest part is that every peer compiles every network)",
        [python, "benchmarks/run.py", *arguments],
        log="bench",
        show=True,
        extra_environment={"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def lint(arguments: list[str]) -> None:
    """Runs the linters; clang-tidy needs a configured build."""
    del arguments
    with exclusive():
        _set_up(system.build_packages() + system.lint_packages(), FRAMEWORK_PYTHON)
        environments.ensure_tested(build.ensure_wheel())
        _tox(("lint",), [])


def build_all(arguments: list[str]) -> None:
    """Builds the wheel and what the tests need beside it."""
    del arguments
    with exclusive():
        _set_up(system.build_packages(), None)
        build.ensure_wheel()
        build.ensure_test_programs()


def lock(arguments: list[str]) -> None:
    """Pins the recipes."""
    del arguments
    with exclusive():
        environments.ensure_tools()
        third_party.relock()


def doctor(arguments: list[str]) -> None:
    """Prints what is there."""
    del arguments
    report()


def _tox(names: tuple[str, ...], arguments: list[str]) -> None:
    command = [tool("tox"), "run", "--skip-pkg-install", "-e", ",".join(names)]
    folder = {"FAIRWAY_BUILD_FOLDER": str(build.build_folder().relative_to(ROOT))}
    run(
        "running the checks" if names == ("lint",) else "running every test",
        [*command, "--", *arguments] if arguments else command,
        log="-".join(names),
        show=True,
        extra_environment=folder,
    )
