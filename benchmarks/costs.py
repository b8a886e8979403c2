# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What compiling and running a network cost: time by stage, and memory.

Each is measured in a process of its own, so that nothing else is in its memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairway.errors import CompilationError

__all__ = ["measure"]

_EXPORT = ("tracing",)  # torch.export itself; everything after it is Fairway's


def measure(name: str, threads: int) -> dict[str, Any]:
    """Compiles a network, compiles it again from the cache, and runs what was saved."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = _child("compile", name, str(threads), folder)
        return {**compiled, "run": _child("run", name, str(threads), folder)}


def _child(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise CompilationError(f"measuring the cost of '{arguments[1]}' failed")
    return json.loads(done.stdout.splitlines()[-1])


def _compile(name: str, threads: int, folder: Path) -> dict[str, Any]:
    import networks

    import fairway

    module, inputs = networks.build(name, 1)
    weights = sum(p.nbytes for p in (*module.parameters(), *module.buffers()))
    cache = fairway.Cache(folder / "cache")

    def once() -> tuple[Any, dict[str, float]]:
        clock = _Clock()
        executable = fairway.compile(module, inputs, threads=threads, cache=cache, progress=clock)
        clock("first result")
        executable(*inputs)
        return executable, clock.finish()

    _reset_peak()
    before = _status("VmRSS")
    watch = _Watch()
    executable, cold = once()
    peak = _status("VmHWM")
    together = watch.stop()
    _, warm = once()
    _reset_peak()
    settled = _status("VmRSS")
    executable.save(folder / "model.so")
    saving = _status("VmHWM") - settled
    return {
        "threads": threads,
        "weights_bytes": weights,
        "cold": cold,
        "cached": warm,
        "export_stages": list(_EXPORT),
        "rss_before_bytes": before,
        "rss_peak_bytes": peak,
        "rss_peak_with_importer_bytes": together,
        "saving_bytes": saving,
        "kernels": len(executable.kernels),
    }


def _run(name: str, threads: int, folder: Path) -> dict[str, Any]:
    import numpy as np

    import fairway
    from fairway.tensors import draw

    np.ones(1)
    fairway.Executable  # noqa: B018 (imports the runtime before memory is looked at)
    before = _status("VmRSS")
    executable = fairway.load(folder / "model.so", threads=threads)
    feeds = draw(executable.inputs)
    for _ in range(5):
        outputs = executable.run(feeds)
    plan = executable.plan()
    tensors = sum(array.nbytes for array in (*feeds.values(), *outputs.values()))
    return {
        "rss_before_bytes": before,
        "rss_peak_bytes": _status("VmHWM"),
        "weights_bytes": executable.weights_bytes(),
        "arena_bytes": plan.arena_bytes,
        "scratch_bytes": plan.scratch_bytes * threads,
        "tensors_bytes": tensors,
    }


class _Clock:
    """Adds up the seconds of each stage."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()
        self._stage = "start"
        self._seconds: dict[str, float] = {}

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._last
        self._stage, self._last = stage, now

    def finish(self) -> dict[str, float]:
        self("end")
        return {**self._seconds, "total": self._last - self._begin}


class _Watch:
    """Looks every 10 ms how much memory this process and its children have together."""

    def __init__(self) -> None:
        self._most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self._most

    def _run(self) -> None:
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        while not self._done.wait(0.01):
            total = _status("VmRSS")
            for child in children.read_text().split():
                with contextlib.suppress(OSError, KeyError):  # it has just ended
                    total += _status("VmRSS", child)
            self._most = max(self._most, total)


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _status(field: str, process: str = "self") -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


_ACTIONS: dict[str, Callable[[str, int, Path], dict[str, Any]]] = {
    "compile": _compile,
    "run": _run,
}

if __name__ == "__main__":
    action, network, count, place = sys.argv[1:]
    print(json.dumps(_ACTIONS[action](network, int(count), Path(place))))
