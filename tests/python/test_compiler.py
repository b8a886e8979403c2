# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The native compiler by itself: modules that carry a plan, objects, linking, errors."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import struct
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fairway import doctor, errors

compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)
_runtime = pytest.importorskip("fairway._runtime", exc_type=ImportError)

# y = tanh(x) + 2 w, where 2 w is prepared; x is divided into tiles of 8.
PLANNED = """
module attributes {
  fairway.inputs = [{name = "x", dtype = "float32", shape = [64]}],
  fairway.outputs = [{name = "y", dtype = "float32", shape = [64]}],
  fairway.parameters = [{name = "w", dtype = "float32", shape = [64]}],
  fairway.constants = [{name = "w", dtype = "float32", shape = [64], prepared = 0 : i64}],
  fairway.run = {arena_bytes = 0 : i64, scratch_bytes = 0 : i64, steps = [
    {kernel = @add_0, buffers = [[1, 0, 0], [3, 0, 0], [2, 0, 0]], tiles = 8 : i64,
     flops = 64 : i64, bytes = 768 : i64}]},
  fairway.prepare = {arena_bytes = 0 : i64, scratch_bytes = 0 : i64, steps = [
    {kernel = @double_0, buffers = [[1, 0, 0], [2, 0, 0]], tiles = 1 : i64,
     flops = 64 : i64, bytes = 512 : i64}]}
} {
  func.func @add_0(%x: memref<64xf32>, %w: memref<64xf32>, %y: memref<64xf32>,
                   %scratch: memref<0xi8>, %worker: index, %workers: index)
      attributes {fairway.kernel = "add", fairway.num_outs = 1 : i64} {
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %0 = arith.muli %worker, %c8 : index
    %begin = arith.divui %0, %workers : index
    %1 = arith.addi %worker, %c1 : index
    %2 = arith.muli %1, %c8 : index
    %end = arith.divui %2, %workers : index
    scf.for %tile = %begin to %end step %c1 {
      %i = arith.muli %tile, %c8 : index
      %a = vector.load %x[%i] : memref<64xf32>, vector<8xf32>
      %b = vector.load %w[%i] : memref<64xf32>, vector<8xf32>
      %t = FUNCTION %a : vector<8xf32>
      %s = arith.addf %t, %b : vector<8xf32>
      vector.store %s, %y[%i] : memref<64xf32>, vector<8xf32>
    }
    return
  }
  func.func @double_0(%w: memref<64xf32>, %out: memref<64xf32>, %scratch: memref<0xi8>,
                      %worker: index, %workers: index)
      attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %first = arith.cmpi eq, %worker, %c0 : index
    scf.if %first {
      scf.for %i = %c0 to %c64 step %c1 {
        %a = memref.load %w[%i] : memref<64xf32>
        %b = arith.addf %a, %a : f32
        memref.store %b, %out[%i] : memref<64xf32>
      }
    }
    return
  }
}
"""


def planned(function: str = "math.tanh") -> str:
    """The module with a function that maps vectors of eight floats."""
    return PLANNED.replace("FUNCTION", function)


@pytest.fixture(scope="module")
def host() -> compiler.CompileOptions:
    """Options for this machine."""
    machine = compiler.resolve_machine("host")
    return compiler.CompileOptions(
        machine.triple,
        machine.cpu,
        machine.features,
        machine.description,
        version="1.2.3",
        metadata='{"a": 1}',
    )


def linked(folder: Path, *objects: bytes) -> Path:
    """Links objects in `folder`."""
    paths: list[Path] = []
    for number, content in enumerate(objects):
        paths.append(folder / f"{number}.o")
        paths[-1].write_bytes(content)
    compiler.link_shared(paths, folder / "model.so")
    return folder / "model.so"


def run(library: Path, x: np.ndarray, w: np.ndarray, threads: int = 1) -> np.ndarray:
    """Runs the planned module."""
    model = _runtime.Model(str(library))
    if not model.has_weights:
        model.set_parameters([w])
        model.prepare(threads)
    return model.run([x], None, threads)[0]


def values() -> tuple[np.ndarray, np.ndarray]:
    """Random x and w."""
    generator = np.random.default_rng(0)
    return (
        generator.standard_normal(64).astype(np.float32),
        generator.standard_normal(64).astype(np.float32),
    )


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


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            'llvm.inline_asm has_side_effects "no_such_instruction", "" : () -> ()',
            "'add_0'.*no_such_instruction",
        ),
        (
            "%zero = arith.constant 0 : i32\n"
            'llvm.call_intrinsic "llvm.nvvm.barrier.cta.sync.aligned.all"(%zero) : (i32) -> ()',
            "'add_0'.*nvvm",
        ),
    ],
)
def test_what_llvm_gives_up_on_is_an_error(host, statement: str, message: str) -> None:
    """LLVM by itself would end the process."""
    line = "%begin = arith.divui"
    with pytest.raises(errors.CompilationError, match=message):
        compiler.compile_to_object(planned().replace(line, f"{statement}\n    {line}"), host)
    compiler.compile_to_object(planned(), host)


@pytest.mark.parametrize("damage", [b"", b"not an object", None])
def test_damaged_object_is_an_error(host, tmp_path: Path, damage: bytes | None) -> None:
    """lld by itself would end the process."""
    if damage is None:
        damage = compiler.compile_to_object(planned(), host)[:1000]
    with pytest.raises(errors.CompilationError):
        linked(tmp_path, damage)
    # And the linker still works.
    _runtime.Model(str(linked(tmp_path, compiler.compile_to_object(planned(), host))))


def test_damaged_section_is_an_error(host, tmp_path: Path) -> None:
    """A header that is whole, in front of relocations that are not: lld's own checks."""
    content = bytearray(compiler.compile_to_object(planned(), host))
    for start in range(64, len(content) // 2, 7):
        content[start] ^= 0xFF
    with pytest.raises(errors.CompilationError):
        linked(tmp_path, bytes(content))
    _runtime.Model(str(linked(tmp_path, compiler.compile_to_object(planned(), host))))


def test_output_that_cannot_be_written_is_an_error(host, tmp_path: Path) -> None:
    code = tmp_path / "code.o"
    code.write_bytes(compiler.compile_to_object(planned(), host))
    with pytest.raises(errors.CompilationError):
        compiler.link_shared([code], tmp_path / "missing" / "model.so")


@pytest.mark.parametrize(
    ("cpu", "features", "named"),
    [("not-a-cpu", "", "not-a-cpu"), ("x86-64-v3", "+not-a-feature", "not-a-feature")],
)
def test_unknown_processor_is_named(cpu: str, features: str, named: str) -> None:
    options = compiler.CompileOptions("x86_64-unknown-linux-gnu", cpu, features)
    with pytest.raises(errors.InvalidArgument, match=named):
        compiler.compile_to_object(planned(), options)
    with pytest.raises(errors.InvalidArgument, match=named):
        compiler.resolve_machine(cpu, features)


def test_unknown_triple_is_named() -> None:
    options = compiler.CompileOptions("x86_64-pc-windows-msvc", "x86-64")
    with pytest.raises(errors.InvalidArgument, match="windows"):
        compiler.compile_to_object(planned(), options)


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


def test_text_that_is_no_module_is_an_invalid_model(host) -> None:
    with pytest.raises(errors.InvalidModel, match="expected"):
        compiler.compile_to_object("module { func.func @main( }", host)


def test_text_that_crashes_the_parser_is_an_invalid_model(host) -> None:
    text = """func.func @main(%x: tensor<4xf32>, %e: tensor<2x4xf32>) {
      %0 = linalg.broadcast ins(%x : tensor<4xf32>) outs(%e : tensor<2x4xf32>) dimensions = [x]
      return
    }"""
    with pytest.raises(errors.InvalidModel):
        compiler.compile_to_object(text, host)


def test_unknown_operation_is_named_with_its_place(host) -> None:
    text = """
    module {
      func.func @main(%x: tensor<4xf32> {fairway.name = "x", fairway.kind = "input",
                                         fairway.dtype = "float32"})
          -> (tensor<4xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
        %y = "torch.aten.strange"(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("net.py":12:3)
        return %y : tensor<4xf32>
      }
    }"""
    with pytest.raises(errors.UnsupportedOp, match="torch.aten.strange") as caught:
        compiler.compile_to_object(text, host)
    assert caught.value.where == "net.py:12"


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        ("", errors.InvalidModel, "no function @main"),
        (
            'func.func @main(%x: tensor<?xf32> {fairway.name = "x"}) { return }',
            errors.InvalidModel,
            "'x' has the dynamic shape",
        ),
        (
            "func.func @main(%c: tensor<i1>) { cf.br ^bb1 ^bb1: return }",
            errors.UnsupportedOp,
            "dynamic control flow",
        ),
    ],
)
def test_module_that_is_no_program_is_refused(host, body: str, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        compiler.compile_to_object(f"module {{ {body} }}", host)


def test_malformed_plan_is_a_defect(host) -> None:
    text = planned().replace("kernel = @add_0", "kernel = @missing")
    with pytest.raises(errors.CompilationError, match="missing"):
        compiler.compile_to_object(text, host)
