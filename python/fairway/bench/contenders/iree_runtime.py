# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""IREE: its compiler for the host's CPU and its local runtime."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairway.bench.contenders.base import Contender, Prepared, missing
from fairway.bench.contenders.onnx_runtime import match_names, onnx_obstacle

if TYPE_CHECKING:
    from fairway.bench.subject import Kind, Subject

__all__ = ["contender"]

_COMPILE_SECONDS = 600
_FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
    "--iree-opt-data-tiling",
)


def contender() -> Contender:
    """IREE."""
    return _Measured()


class _Measured:
    """The ONNX model through IREE's importer and compiler, run by its task system."""

    def obstacle(self, kind: Kind) -> str | None:
        return (
            onnx_obstacle(kind)
            or missing("iree.compiler", "iree-base-compiler")
            or missing("iree.runtime", "iree-base-runtime")
        )

    def version(self) -> str:
        version = import_module("iree.runtime.version").VERSION.partition("rc")[0]
        return f"IREE {version}"

    def prepare(self, subject: Subject, threads: int) -> Prepared:
        runtime: Any = import_module("iree.runtime")
        path = subject.folder / "iree.vmfb"
        _compile(subject, path)
        if threads > 1:
            runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        driver = "local-task" if threads > 1 else "local-sync"
        config = runtime.Config(driver)
        module: Any = runtime.load_vm_module(
            runtime.VmModule.mmap(config.vm_instance, str(path)), config
        )
        names = _input_names(subject)
        feeds = list(match_names(subject.feeds(), names).values())
        function = module[_entry(module)]

        def call() -> list[Any]:
            result = function(*feeds)
            many = result if isinstance(result, (list, tuple)) else [result]
            return [array.to_host() for array in many]

        return Prepared(call, list)


def _compile(subject: Subject, path: Path) -> None:
    binaries: Any = import_module("iree.compiler.tools.binaries")
    text = subject.folder / "iree.mlir"
    model = _static(subject)
    _run(
        [sys.executable, "-P", "-m", "iree.compiler.tools.import_onnx", str(model), "-o", str(text)]
    )
    _run([binaries.find_tool("iree-compile"), *_FLAGS, str(text), "-o", str(path)])


def _static(subject: Subject) -> Path:
    """The ONNX model with its symbolic dimensions set, as the importer has no option for it."""
    model = subject.as_onnx()
    if not subject.dims:
        return model
    import onnx

    loaded = onnx.load(model)
    for value in loaded.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in subject.dims:
                dim.dim_value = subject.dims[dim.dim_param]
    path = subject.folder / "static.onnx"
    onnx.save(loaded, path)
    return path


def _input_names(subject: Subject) -> list[str]:
    import onnx

    graph = onnx.load(subject.as_onnx(), load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    return [value.name for value in graph.input if value.name not in weights]


def _entry(module: Any) -> str:
    names = [name for name in module.vm_module.function_names if not name.startswith("__")]
    return str(next(name for name in names if not name.endswith("$async")))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_SECONDS)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        tool = Path(command[0] if "iree" in command[0] else command[3]).name
        raise RuntimeError(f"{tool}: {(lines or ['exit code ' + str(done.returncode)])[0]}")
