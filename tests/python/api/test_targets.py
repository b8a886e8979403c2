# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Targets are plug-ins: one that another package brings does the whole journey.

The target here knows a single model, y = x + b, and compiles it with the system's C
compiler. Everything around it (import, cache, weights, saving, loading, running) is
Fairway's own.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

import fairway
from fairway import doctor, targets
from fairway.cache import Cache

torch = pytest.importorskip("torch")

SIZE = 16

SOURCE = r"""
#include "fairway/Runtime/artefact.h"
extern const unsigned char weights[] __attribute__((weak, visibility("hidden")));
static void add(void *const *buffers, void *scratch, int64_t worker, int64_t workers) {
  const float *x = buffers[0], *b = buffers[1];
  float *y = buffers[2];
  (void)scratch, (void)workers;
  if (worker == 0)
    for (int i = 0; i < SIZE; ++i)
      y[i] = x[i] + b[i];
}
static const int64_t shape[] = {SIZE};
static const fairway_tensor_desc in = {"x", FAIRWAY_FLOAT32, 1, shape, 4 * SIZE};
static const fairway_tensor_desc out = {"output", FAIRWAY_FLOAT32, 1, shape, 4 * SIZE};
static const fairway_tensor_desc parameter = {"b", FAIRWAY_FLOAT32, 1, shape, 4 * SIZE};
static const fairway_constant_desc constant = {
    {"b", FAIRWAY_FLOAT32, 1, shape, 4 * SIZE}, 0, -1, 0};
static const fairway_buffer_ref buffers[] = {
    {FAIRWAY_SPACE_INPUT, 0, 0}, {FAIRWAY_SPACE_CONSTANT, 0, 0}, {FAIRWAY_SPACE_OUTPUT, 0, 0}};
static const fairway_step step = {"add", add, buffers, 3, 0, 1, SIZE, 12 * SIZE};
static const char metadata[] = METADATA;
__attribute__((visibility("default"))) const fairway_artefact_t fairway_artefact = {
    .magic = FAIRWAY_ARTEFACT_MAGIC, .abi = FAIRWAY_ARTEFACT_ABI,
    .fairway_version = VERSION, .triple = "x86_64-unknown-linux-gnu", .cpu = "any",
    .features = "", .inputs = &in, .outputs = &out, .parameters = &parameter,
    .constants = &constant, .num_inputs = 1, .num_outputs = 1, .num_parameters = 1,
    .num_constants = 1, .run = {&step, 1, 0, 0}, .prepare = {0, 0, 0, 0},
    .metadata = metadata, .metadata_bytes = sizeof metadata - 1,
    .weights = weights, .weights_bytes = WEIGHTS};
"""


def c_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class ThroughC:
    """The target."""

    name = "through-c"
    summary = "a test"
    compilations = 0

    def machine(
        self, cpu: str, features: str | None, changes: Mapping[str, float] | None
    ) -> targets.Machine:
        return targets.Machine("x86_64-unknown-linux-gnu", cpu, features or "")

    def compile(
        self, module: str, request: targets.Request, report: Callable[[str], None]
    ) -> bytes:
        assert '"x"' in module
        report("calling the C compiler")
        type(self).compilations += 1
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "model.c"
            # The weights' size is known once they are linked: none, or one tensor.
            source.write_text(
                SOURCE.replace("METADATA", c_string(request.metadata))
                .replace("VERSION", c_string(request.version))
                .replace("SIZE", str(SIZE))
                .replace("WEIGHTS", str(4 * SIZE))
            )
            output = Path(folder) / "model.o"
            command = ["cc", "-c", "-fPIC", "-O1", f"-I{doctor.include_folder()}"]
            subprocess.run([*command, str(source), "-o", str(output)], check=True)
            return output.read_bytes()

    def link(self, objects: Sequence[Path], output: Path, weights_bytes: int = 0) -> int:
        command = ["cc", "-shared", *map(str, objects), "-o", str(output)]
        if not weights_bytes:
            subprocess.run(command, check=True)
            return 0
        assembly = output.with_suffix(".s")
        assembly.write_text(
            '.section .fairway.weights,"a",@progbits\n.balign 4096\n.globl weights\n'
            f".hidden weights\nweights: .zero {weights_bytes}\n"
            '.section .note.GNU-stack,"",@progbits\n'
        )
        subprocess.run([*command, str(assembly)], check=True)
        sections = subprocess.run(
            ["readelf", "-SW", str(output)], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        place = re.search(r"\.fairway\.weights +PROGBITS +\w+ (\w+)", sections)
        assert place
        return int(place[1], 16)


class Biased(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.b = torch.nn.Parameter(torch.randn(SIZE))

    def forward(self, x: Any) -> Any:
        return x + self.b


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package had declared the entry point."""
    point = EntryPoint("through-c", f"{__name__}:ThroughC", targets.ENTRY_POINT_GROUP)
    monkeypatch.setattr(targets, "entry_points", lambda **_: EntryPoints([point]))
    ThroughC.compilations = 0


def test_is_listed_beside_the_built_in_ones() -> None:
    assert set(targets.available()) == {"cpu", "through-c"}


def test_does_the_whole_journey(tmp_path: Path) -> None:
    model, x = Biased().eval(), torch.randn(SIZE)
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        executable = fairway.compile(model, (x,), target="through-c", cache=cache)
        assert torch.equal(executable(x), model(x))
    assert ThroughC.compilations == 1  # then it came from the cache
    executable.save(tmp_path / "model.so")
    loaded = fairway.load(tmp_path / "model.so")
    assert torch.equal(loaded(x), model(x))
    assert loaded.weights_bytes() == 4 * SIZE


def test_weights_are_the_frameworks_own_memory(tmp_path: Path) -> None:
    model, x = Biased().eval(), torch.randn(SIZE)
    executable = fairway.compile(model, (x,), target="through-c", cache=Cache(tmp_path))
    with torch.no_grad():
        model.b.add_(1)
    assert torch.equal(executable(x), model(x))


def test_failing_target_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise fairway.CompilationError("no C compiler", hint="install one")

    monkeypatch.setattr(ThroughC, "compile", fail)
    with pytest.raises(fairway.CompilationError, match="no C compiler"):
        fairway.compile(Biased(), (torch.randn(SIZE),), target="through-c", cache=Cache(tmp_path))
    assert Cache(tmp_path).info().entries == 0
