# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules that carry a plan become objects and libraries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from compiler_modules import linked, planned, run, values

compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)
_runtime = pytest.importorskip("fairway._runtime", exc_type=ImportError)


@pytest.mark.parametrize("threads", [1, 3])
def test_compiled_module_computes(host, tmp_path: Path, threads: int) -> None:
    x, w = values()
    library = linked(tmp_path, compiler.compile_to_object(planned(), host))
    np.testing.assert_allclose(
        run(library, x, w, threads), np.tanh(x) + 2 * w, rtol=1e-5, atol=1e-6
    )


def test_descriptor_says_what_was_asked_for(host, tmp_path: Path) -> None:
    model = _runtime.Model(str(linked(tmp_path, compiler.compile_to_object(planned(), host))))
    assert (model.version, model.metadata) == ("1.2.3", b'{"a": 1}')
    assert (model.triple, model.cpu) == (host.triple, host.cpu)
    assert [(t.name, t.dtype, t.shape) for t in model.inputs] == [("x", "float32", (64,))]
    assert [(s.name, s.tiles, s.flops) for s in model.steps] == [("add_0", 8, 64)]
    assert not model.has_weights


@pytest.mark.parametrize(
    ("function", "reference"),
    [("math.exp", np.exp), ("math.sin", np.sin), ("math.atan", np.arctan), ("math.log1p", None)],
)
def test_math_functions(host, tmp_path: Path, function: str, reference) -> None:
    """Some are polynomials, others calls of the C library, which must link and load."""
    x, w = values()
    x = np.abs(x) * 3
    library = linked(tmp_path, compiler.compile_to_object(planned(function), host))
    expected = (reference or np.log1p)(x.astype(np.float64)) + 2 * w
    np.testing.assert_allclose(run(library, x, w), expected, rtol=1e-5, atol=1e-6)


def test_library_loads_in_a_plain_c_program(host, tmp_path: Path) -> None:
    """One that needs the C math library says so itself; nothing else is exported."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    library = linked(tmp_path, compiler.compile_to_object(planned("math.sin"), host))
    source = tmp_path / "load.c"
    source.write_text(
        textwrap.dedent("""\
        #include <dlfcn.h>
        #include <stdio.h>
        int main(int argc, char **argv) {
          void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
          if (!handle) { puts(dlerror()); return 1; }
          if (dlsym(handle, "add_0")) return 2;
          return dlsym(handle, "fairway_artefact") ? 0 : 3;
        }""")
    )
    program = tmp_path / "load"
    subprocess.run(["cc", str(source), "-o", str(program), "-ldl"], check=True)
    result = subprocess.run(
        [str(program), str(library)], env={}, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


def test_linking_needs_no_tool_on_the_path(host, tmp_path: Path) -> None:
    code = tmp_path / "code.o"
    code.write_bytes(compiler.compile_to_object(planned("math.sin"), host))
    script = (
        "import sys; from pathlib import Path; from fairway import compiler; "
        "compiler.link_shared([Path(sys.argv[1])], Path(sys.argv[2]))"
    )
    environment = {**os.environ, "PATH": "/nonexistent"}
    output = tmp_path / "model.so"
    subprocess.run(
        [sys.executable, "-c", script, str(code), str(output)], env=environment, check=True
    )
    _runtime.Model(str(output))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code.o", "model.so"]


def test_several_threads_compile_and_link_at_once(host, tmp_path: Path) -> None:
    x, w = values()

    def one(number: int) -> np.ndarray:
        folder = tmp_path / str(number)
        folder.mkdir()
        return run(linked(folder, compiler.compile_to_object(planned(), host)), x, w)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(one, range(12)))
    for result in results:
        np.testing.assert_array_equal(result, results[0])


def test_other_threads_run_while_the_compiler_works(host) -> None:
    """The progress callback comes from inside; a thread must be able to run before it ends."""
    met = threading.Event()

    def progress(stage: str) -> None:
        if stage == "object":
            threading.Thread(target=met.set).start()
            assert met.wait(20)

    compiler.compile_to_object(planned(), host, progress)
    assert met.is_set()


def test_progress_names_the_stages(host) -> None:
    stages: list[str] = []
    compiler.compile_to_object(planned(), host, stages.append)
    assert stages == ["llvm", "object"]


def test_progress_can_stop_the_compilation(host) -> None:
    def stop(stage: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compiler.compile_to_object(planned(), host, stop)


def test_dump_dir_gets_every_stage(host, tmp_path: Path) -> None:
    options = compiler.CompileOptions(
        host.triple, host.cpu, host.features, dump_dir=tmp_path / "new" / "folder"
    )
    compiler.compile_to_object(planned(), options)
    folder = tmp_path / "new" / "folder"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    assert names == [
        "00-program.mlir",
        "01-llvm.mlir",
        *(f"05-llvm/{name}.ll" for name in ("add_0", "descriptor", "double_0")),
        *(f"06-optimized/{name}.ll" for name in ("add_0", "descriptor", "double_0")),
    ]


def test_code_is_the_same_each_time_on_any_number_of_processors(host, tmp_path: Path) -> None:
    code = compiler.compile_to_object(planned(), host)
    assert compiler.compile_to_object(planned(), host) == code
    script = (
        "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from fairway import compiler\n"
        "host = compiler.resolve_machine('host')\n"
        "code = compiler.compile_to_object(open(sys.argv[1]).read(), compiler.CompileOptions(\n"
        "    host.triple, host.cpu, host.features, host.description,\n"
        "    version='1.2.3', metadata=sys.argv[2]))\n"
        "sys.stdout.buffer.write(code)"
    )
    module = tmp_path / "module.mlir"
    module.write_text(planned())
    alone = subprocess.run(
        [sys.executable, "-c", script, str(module), host.metadata], check=True, capture_output=True
    )
    assert alone.stdout == code


def test_cross_compiles_for_aarch64(tmp_path: Path) -> None:
    machine = compiler.resolve_machine("neoverse-n1")
    assert machine.triple.startswith("aarch64")
    options = compiler.CompileOptions(machine.triple, machine.cpu)
    library = linked(tmp_path, compiler.compile_to_object(planned("math.sin"), options))
    assert library.read_bytes()[18:20] == (183).to_bytes(2, "little")  # EM_AARCH64


def test_baseline_processor_needs_no_newer_one(host, tmp_path: Path) -> None:
    if not host.triple.startswith("x86_64"):
        pytest.skip("an x86-64 level")
    options = compiler.CompileOptions(host.triple, "x86-64")
    x, w = values()
    library = linked(tmp_path, compiler.compile_to_object(planned(), options))
    assert "avx" not in _runtime.Model(str(library)).features
    np.testing.assert_allclose(run(library, x, w), np.tanh(x) + 2 * w, rtol=1e-5, atol=1e-6)
