# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler's C API as Python sees it. Use `fairway.compiler` instead."""

from collections.abc import Callable, Sequence

class Error(RuntimeError):
    """A failure; its arguments are (status, message, where, stage)."""

    args: tuple[int, str, str, str]

class Options:
    """What to compile for: `CompileOptions` in the C API's form."""

    def __init__(
        self,
        *,
        triple: str,
        cpu: str,
        features: str,
        version: str,
        metadata: str,
        machine: str,
        configs: str,
        threads: int,
        opt_level: int,
        dump_dir: str,
    ) -> None: ...

def compile(module: str, options: Options, progress: Callable[[str], None] | None) -> bytes:
    """Compiles the text of a Program to an object file."""

def list_variants(
    module: str, options: Options, count: int, progress: Callable[[str], None] | None
) -> str:
    """Lists the kernels of a Program with tilings to try, as JSON."""

def link_shared(objects: Sequence[str], output: str, weights_bytes: int) -> int:
    """Links object files to a shared library; returns where in the file its weights go."""

def describe_machine(triple: str, cpu: str, features: str, changes: str, host: bool) -> str:
    """What is known of a machine, as `name=value ...`; raises `Error` for an unknown one."""

def host_cpu() -> tuple[str, str]:
    """This machine's processor: its name and features as LLVM says them."""
