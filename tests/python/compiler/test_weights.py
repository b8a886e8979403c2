# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights travel behind the linked library."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import struct
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest
from compiler_modules import planned, run, values

from fairway import doctor

compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)
_runtime = pytest.importorskip("fairway._runtime", exc_type=ImportError)


def linked_for_weights(folder: Path, content: bytes, size: int) -> tuple[Path, int]:
    """A library with room for weights, and where they go."""
    (folder / "code.o").write_bytes(content)
    library = folder / "model.so"
    return library, compiler.link_shared([folder / "code.o"], library, size)


def append(library: Path, weights: np.ndarray) -> None:
    with library.open("ab") as file:
        file.write(weights.tobytes())


@pytest.mark.parametrize("code_bytes", [10, 1 << 20])
def test_weights_travel_in_the_library(host, tmp_path: Path, code_bytes: int) -> None:
    x, w = values()
    options = dataclasses.replace(host, metadata="-" * code_bytes)
    library, offset = linked_for_weights(
        tmp_path, compiler.compile_to_object(planned(), options), w.nbytes
    )
    assert library.stat().st_size == offset
    assert offset % 4096 == 0
    append(library, 2 * w)
    model = _runtime.Model(str(library))
    assert model.has_weights
    np.testing.assert_array_equal(model.constant_view(0), 2 * w)
    np.testing.assert_allclose(run(library, x, w), np.tanh(x) + 2 * w, rtol=1e-5, atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code.o", "model.so"]


@pytest.mark.parametrize("missing", [1, 100, 256])
def test_library_that_lacks_some_of_its_weights_is_refused(
    host, tmp_path: Path, missing: int
) -> None:
    _, w = values()
    library, _ = linked_for_weights(tmp_path, compiler.compile_to_object(planned(), host), w.nbytes)
    append(library, w)
    os.truncate(library, library.stat().st_size - missing)
    with pytest.raises(_runtime.Error, match="truncated"):
        _runtime.Model(str(library))


def test_library_with_weights_loads_in_a_plain_c_program(host, tmp_path: Path) -> None:
    """The dynamic linker itself finds the weights where the descriptor says they are."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    _, w = values()
    library, _ = linked_for_weights(
        tmp_path, compiler.compile_to_object(planned("math.sin"), host), w.nbytes
    )
    append(library, w)
    source = tmp_path / "load.c"
    source.write_text(
        textwrap.dedent("""\
        #include <dlfcn.h>
        #include <stdio.h>
        #include <string.h>
        #include "fairway/Runtime/artefact.h"
        int main(int argc, char **argv) {
          void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
          if (!handle) { puts(dlerror()); return 1; }
          const fairway_artefact_t *model = dlsym(handle, "fairway_artefact");
          if (!model || model->weights_bytes != 256) return 2;
          FILE *file = fopen(argv[2], "rb");
          char expected[256];
          if (fread(expected, 1, 256, file) != 256) return 3;
          return memcmp(expected, model->weights, 256) ? 4 : 0;
        }""")
    )
    (tmp_path / "weights").write_bytes(w.tobytes())
    program = tmp_path / "load"
    include = doctor.include_folder()
    subprocess.run(["cc", f"-I{include}", str(source), "-o", str(program), "-ldl"], check=True)
    command = [str(program), str(library), str(tmp_path / "weights")]
    result = subprocess.run(command, env={}, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("cpu", ["x86-64-v3", "aarch64-unknown-linux-gnu:neoverse-n1"])
def test_weights_are_the_last_segment_and_read_only(tmp_path: Path, cpu: str) -> None:
    machine = compiler.resolve_machine(cpu)
    options = compiler.CompileOptions(
        machine.triple, machine.cpu, machine.features, machine.description
    )
    size = 5 << 32  # never written: how large it is makes no difference
    library, offset = linked_for_weights(
        tmp_path, compiler.compile_to_object(planned(), options), size
    )
    data = library.read_bytes()
    table, entry, count = (
        struct.unpack_from("<Q", data, 32)[0],
        *struct.unpack_from("<HH", data, 54),
    )
    segments = [struct.unpack_from("<IIQQQQQQ", data, table + entry * i) for i in range(count)]
    loaded = [segment for segment in segments if segment[0] == 1]
    for before, after in itertools.pairwise(loaded):
        assert before[3] + before[6] <= after[3]
    _, flags, place, address, _, file_size, memory_size, alignment = loaded[-1]
    assert (flags, place, file_size, memory_size) == (4, offset, size, size)
    assert place % alignment == address % alignment == 0
    assert 6 not in [segment[0] for segment in segments]  # the one that gave its room
    relative = {"x86_64": 8, "aarch64": 1027}[machine.triple.partition("-")[0]]
    assert data.count(struct.pack("<Qq", relative, address)) == 1  # the descriptor's pointer
