# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The commands of `./dev`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import build, environments, fetch, locks, offline, system, third_party, update, wheels
from .doctor import report
from .failure import Failure
from .lock import exclusive
from .paths import ROOT, tool
from .progress import duration, run, say

FRAMEWORK_PYTHON = (3, 11)  # the pinned PyTorch exists for this version only
TESTS = ("lint", "cpp", "docs", "py311")
# The groups of pinned packages (see locks.py) that a command needs beside the tools.
FRAMEWORKS = ("test", "models")
CHECKS = (*FRAMEWORKS, "cpp", "lint")
BENCH_HELP = (
    "Arguments: --quick, --parts networks,kernels,scaling,costs, --models resnet50,mlp,..., "
    "--threads 1,4, --batch 1,8, --against inductor,openvino,..., --resume (go on after an "
    "interruption), --page-only (write the page again). "
    "All of them: python benchmarks/run.py --help."
)


@dataclass(frozen=True)
class Options:
    """What a command was called with.

    Args:
        rest: Arguments for the program that the command runs.
        offline: Whether to work with the network cut, on what was fetched before.
        from_source: Whether to build LLVM instead of taking Debian's.
        what: What to fetch for: the name of a command, or `all`.
        names: The packages to update, all if empty.
        write: Whether to write what an update proposes.
        python: The versions to build wheels for, by commas; None for the running one.
        again: Whether to build the wheel twice and compare.
    """

    rest: list[str]
    offline: bool = False
    from_source: bool = False
    what: str = "all"
    names: Sequence[str] = ()
    write: bool = False
    python: str | None = None
    again: bool = False


def main() -> int:
    """Runs one command.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    arguments, rest = _parser().parse_known_args()
    if rest and arguments.command not in ("test", "demo", "bench"):
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    values = vars(arguments)
    command = values.pop("command")
    action: Callable[[Options], None] = values.pop("action")
    options = Options([argument for argument in rest if argument != "--"], **values)
    start = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends children as Ctrl-C does
    try:
        action(options)
    except Failure as failure:
        print(f"dev: error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndev: interrupted; run it again to go on from here", file=sys.stderr)
        return 130
    if command != "doctor":
        # The last lines belong to the tests' own summary.
        print(
            f"dev: {command} finished in {duration(time.monotonic() - start)}",
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
        ("wheel", make_wheels, "build and check the wheels that are published"),
        ("fetch", fetch_all, "download everything that is pinned, for --offline"),
        ("update", update_pins, "propose newer versions of what is pinned"),
        ("lock", lock, "pin the recipes of third_party/ and what requirements/*.in ask for"),
        ("doctor", doctor, "tell what is there and what is missing; changes nothing"),
    ):
        command = commands.add_parser(
            name, help=text, description=text, epilog=BENCH_HELP if name == "bench" else None
        )
        command.set_defaults(action=action)
        if action in (demo, test, bench, lint, build_all, make_wheels):
            command.add_argument(
                "--offline",
                action="store_true",
                help="cut the network and use what ./dev fetch has downloaded",
            )
            command.add_argument(
                "--from-source",
                action="store_true",
                help="build LLVM instead of taking Debian's (an hour or more, once)",
            )
        if action is make_wheels:
            command.add_argument(
                "--python", metavar="3.10,3.11,3.12", help="the versions (default: the running one)"
            )
            command.add_argument(
                "--again", action="store_true", help="build twice and compare to the last bit"
            )
        if action is update_pins:
            command.add_argument("names", nargs="*", metavar="NAME", help="only these packages")
            command.add_argument("--write", action="store_true", help="write what is proposed")
        if action is fetch_all:
            command.add_argument(
                "what",
                nargs="?",
                default="all",
                choices=("build", "test", "bench", "all"),
                help="the command to fetch for (default: everything)",
            )
    return parser


def _set_up(
    options: Options,
    packages: list[str],
    python: tuple[int, int] | None,
    groups: tuple[str, ...] = (),
) -> None:
    """Makes sure of all that a build needs, downloading first whatever has to be."""
    system.ensure_python(python)
    system.ensure_disk()
    if options.offline:
        _go_offline(packages)
    else:
        system.ensure_packages(packages)
    system.report_differences()
    environments.ensure_tools(options.offline)
    if not options.offline:
        for group in groups:
            fetch.ensure_group(group)
        fetch.ensure_native()
    third_party.ensure_locked()
    if options.from_source:
        third_party.ensure_llvm_from_source()


def _go_offline(packages: list[str]) -> None:
    missing = system.missing_packages(packages)
    if missing:
        raise Failure(
            f"{len(missing)} Debian packages are missing: {' '.join(missing)}",
            "run ./dev fetch with the network on",
        )
    if offline.cut_network():
        say("the network is cut")
    else:
        say("the system does not let the network be cut; proxies are set that refuse everything")


def demo(options: Options) -> None:
    """Builds, installs, and runs the demonstration on the installed wheel."""
    with exclusive():
        _set_up(options, system.build_packages(options.from_source), FRAMEWORK_PYTHON, FRAMEWORKS)
        wheel = build.ensure_wheel(options.from_source)
        python = environments.ensure_tested(wheel)
    say(f"wheel: {build.describe(wheel)}")
    run(
        "compiling and running three real models",
        [python, "-P", "examples/demo.py", *options.rest],
        log="demo",
        show=True,
    )


def test(options: Options) -> None:
    """Builds everything and runs every test against the installed wheel."""
    with exclusive():
        packages = system.build_packages(options.from_source) + system.lint_packages()
        _set_up(options, packages, FRAMEWORK_PYTHON, CHECKS)
        wheel = build.ensure_wheel(options.from_source)
        build.ensure_test_programs(options.from_source)
        environments.ensure_tested(wheel)
        _tox(TESTS, options)


def bench(options: Options) -> None:
    """Measures the wheel beside the peers and writes docs/performance.md."""
    with exclusive():
        _set_up(options, system.build_packages(options.from_source), FRAMEWORK_PYTHON, FRAMEWORKS)
        wheel = build.ensure_wheel(options.from_source)
        python = environments.ensure_benchmarks(wheel, options.offline)
    # A peer that calls a C++ compiler gets the user's, not the one that builds Fairway.
    compilers = {name: os.environ.get(name) for name in ("CC", "CXX")}
    run(
        "measuring (the longest part is that every peer compiles every network)",
        [python, "benchmarks/run.py", *options.rest],
        log="bench",
        show=True,
        extra_environment={"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"} | compilers,
    )


def lint(options: Options) -> None:
    """Runs the linters; clang-tidy needs a configured build."""
    with exclusive():
        packages = system.build_packages(options.from_source) + system.lint_packages()
        _set_up(options, packages, FRAMEWORK_PYTHON, CHECKS)
        environments.ensure_tested(build.ensure_wheel(options.from_source))
        _tox(("lint",), options)


def build_all(options: Options) -> None:
    """Builds the wheel and what the tests need beside it."""
    with exclusive():
        _set_up(options, system.build_packages(options.from_source), None)
        build.ensure_wheel(options.from_source)
        build.ensure_test_programs(options.from_source)


def make_wheels(options: Options) -> None:
    """Builds and checks the wheel of the running Python, or those of several."""
    if options.python:
        chosen = {
            "--offline": options.offline,
            "--from-source": options.from_source,
            "--again": options.again,
        }
        flags = [flag for flag, given in chosen.items() if given]
        wheels.build_for(options.python.split(","), flags)
        return
    with exclusive():
        _set_up(options, system.build_packages(options.from_source), None, ("wheel",))
        wheel = wheels.current(options.from_source)
        wheels.check(wheel)
        if options.again:
            wheels.check_reproducible(wheel, options.from_source)


def fetch_all(options: Options) -> None:
    """Downloads what is pinned, and checks it, also where that was done before."""
    system.ensure_python(FRAMEWORK_PYTHON if options.what != "build" else None)
    groups = {
        "build": (),
        "test": CHECKS,
        "bench": (*FRAMEWORKS, *locks.peers()),
        "all": tuple(locks.groups()),
    }[options.what]
    with exclusive():
        system.ensure_disk()
        system.ensure_packages(system.build_packages() + system.lint_packages())
        fetch.forget()
        environments.ensure_tools()
        for group in dict.fromkeys(("tools", *groups)):
            fetch.ensure_group(group)
        fetch.ensure_native(every_python=options.what == "all")


def update_pins(options: Options) -> None:
    """Shows which pins could be newer, and takes them over if told to."""
    with exclusive():
        environments.ensure_tools()
        proposal = update.propose(list(options.names))
        _show_changes(proposal, options.write)


def lock(options: Options) -> None:
    """Pins the recipes, and what requirements/*.in ask for that is not pinned yet."""
    del options
    with exclusive():
        environments.ensure_tools()
        third_party.relock()
        _show_changes(update.python_packages([], everything=False), write=True)


def _show_changes(proposal: update.Proposal, write: bool) -> None:
    if proposal.changes:
        print(update.table(proposal.changes))
    else:
        say("the pins are as they would be chosen now")
    if write:
        update.write(proposal)
    elif proposal.changes:
        say("nothing was written; --write takes this over")


def doctor(options: Options) -> None:
    """Prints what is there."""
    del options
    report()


def _tox(names: tuple[str, ...], options: Options) -> None:
    command = [tool("tox"), "run", "--skip-pkg-install", "-e", ",".join(names)]
    folder = {
        "FAIRWAY_BUILD_FOLDER": str(build.build_folder(options.from_source).relative_to(ROOT))
    }
    run(
        "running the checks" if names == ("lint",) else "running every test",
        [*command, "--", *options.rest] if options.rest else command,
        log="-".join(names),
        show=True,
        extra_environment=folder,
    )
