# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The runtime's binding, on a model written in C (tests/unit/runtime/artefacts/affine.c).

It has inputs x, parameters layer.w and layer.b, all float32 of shape (64, 64), and
computes z = 2 w x + b and y = sum(z). With WEIGHTS it holds w = 3 and b = 1.
"""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fairway import _runtime

Build = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "unit" / "runtime" / "artefacts" / "affine.c"
SHAPE = (64, 64)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compiles the test model with the given C macros."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("artefacts")

    def make(*macros: str, source: Path = SOURCE) -> Path:
        output = folder / ("-".join([source.stem, *macros]).replace("/", "_") + ".so")
        if not output.exists():
            flags = ["-std=gnu11", "-shared", "-fPIC", "-O2", "-fvisibility=hidden"]
            flags += [f"-I{ROOT / 'include'}", *(f"-D{macro}" for macro in macros)]
            subprocess.run([compiler, *flags, str(source), "-o", str(output)], check=True)
        return output

    return make


@pytest.fixture
def saved(build: Build) -> _runtime.Model:
    return _runtime.Model(str(build("WEIGHTS")))


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).integers(-8, 8, SHAPE).astype(np.float32)


def error(code: object, function: Callable[..., object], *args: object) -> str:
    """The message of the Error with `code` that the call raises."""
    with pytest.raises(_runtime.Error) as caught:
        function(*args)
    assert caught.value.code == code
    return str(caught.value)


def test_describes_the_model(saved: _runtime.Model) -> None:
    (x,) = saved.inputs
    y, z = saved.outputs
    assert (x.name, x.dtype, x.shape, x.nbytes) == ("x", "float32", SHAPE, 16384)
    assert (y.name, y.shape, z.shape) == ("y", (), SHAPE)
    assert [p.name for p in saved.parameters] == ["layer.w", "layer.b"]
    assert [(c.name, offset) for c, offset in saved.constants_info] == [
        ("layer.w.scaled", 0),
        ("layer.b", 16384),
    ]
    assert [s.name for s in saved.steps] == ["multiply", "add_reversed", "reverse", "sum"]
    assert saved.steps[1].barrier and not saved.steps[0].barrier
    buffers = saved.steps[1].buffers
    assert [(b.space, b.index, b.offset) for b in buffers] == [
        ("arena", 0, 0),
        ("constant", 1, 0),
        ("arena", 0, 16384),
    ]
    assert [b.written for b in buffers] == [False, False, True]
    assert [b.lifetime for b in buffers] == [(0, 1), None, (1, 2)]
    assert {b.nbytes for b in buffers} == {16384}
    assert saved.steps[0].dimensions == [(64, 1), (64, 64)]
    assert saved.steps[3].dimensions == []
    assert [s.config for s in saved.steps] == ["tile = [1, 0], rows = 2", "", "", ""]
    assert [s.name for s in saved.prepare_steps] == ["scale"]
    assert saved.metadata == b'{"test": true}'
    assert (saved.version, saved.cpu, saved.features) == ("0.1.0", "test", "")
    assert saved.has_weights and saved.is_prepared
    assert saved.arena_bytes == 32768


def test_runs_on_saved_weights(saved: _runtime.Model, x: np.ndarray) -> None:
    y, z = saved.run([x])
    np.testing.assert_array_equal(z, 6 * x + 1)
    assert y == (6 * x + 1).sum()


def test_results_own_aligned_memory(build: Build, x: np.ndarray) -> None:
    model = _runtime.Model(str(build("WEIGHTS")))
    first = model.run([x])[1]
    second = model.run([x + 1])[1]
    del model
    gc.collect()
    assert first.ctypes.data % 64 == 0 and first.flags.writeable
    np.testing.assert_array_equal(first, 6 * x + 1)
    np.testing.assert_array_equal(second, 6 * (x + 1) + 1)


def test_prepares_parameters(build: Build, x: np.ndarray) -> None:
    model = _runtime.Model(str(build()))
    w, b = x + 1, x - 1
    assert not model.has_weights and not model.is_prepared
    assert "weights" in error(_runtime.Status.NOT_PREPARED, model.run, [x])
    model.set_parameters([w, b])
    model.prepare(2)
    np.testing.assert_array_equal(model.run([x])[1], 2 * w * x + b)
    np.testing.assert_array_equal(model.constant_view(0), 2 * w)
    np.testing.assert_array_equal(model.constant_view(1), b)
    assert not model.constant_view(0).flags.writeable


def test_keeps_only_the_parameters_that_it_uses(build: Build) -> None:
    class Array(np.ndarray):
        """Can be referred to weakly."""

    gone: list[str] = []
    model = _runtime.Model(str(build()))

    def parameter(name: str) -> np.ndarray:
        memory = bytearray(4 * 64 * 64 + 64)
        raw = np.frombuffer(memory, np.uint8)
        start = -raw.ctypes.data % 64
        array = raw[start : start + 4 * 64 * 64].view(np.float32).reshape(SHAPE).view(Array)
        array[:] = 1
        weakref.finalize(array, gone.append, name)
        return array

    model.set_parameters([parameter("w"), parameter("b")])
    gc.collect()
    assert gone == []
    model.prepare()
    gc.collect()
    assert gone == ["w"]
    np.testing.assert_array_equal(model.run([np.ones(SHAPE, np.float32)])[1], np.full(SHAPE, 3))
    del model
    gc.collect()
    assert gone == ["w", "b"]


def test_writes_to_given_outputs(saved: _runtime.Model, x: np.ndarray) -> None:
    y, z = np.empty((), np.float32), np.empty(SHAPE, np.float32)
    results = saved.run([x], outputs=[y, z])
    assert results[0] is y and results[1] is z
    np.testing.assert_array_equal(z, 6 * x + 1)
    z.flags.writeable = False
    assert "'z'" in error(_runtime.Status.INVALID_ARGUMENT, saved.run, [x], [y, z])
    strided = np.empty((64, 128), np.float32)[:, ::2]
    assert "contiguous" in error(_runtime.Status.INVALID_ARGUMENT, saved.run, [x], [y, strided])


def test_copies_inputs_that_are_not_contiguous(saved: _runtime.Model, x: np.ndarray) -> None:
    np.testing.assert_array_equal(saved.run([x.T])[1], 6 * x.T + 1)
    wide = np.repeat(x, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(saved.run([wide])[1], 6 * x + 1)


def test_reads_read_only_and_misaligned_arrays(saved: _runtime.Model, x: np.ndarray) -> None:
    shifted = np.frombuffer(b"----" + x.tobytes(), np.float32, offset=4).reshape(SHAPE)
    assert not shifted.flags.writeable
    np.testing.assert_array_equal(saved.run([shifted])[1], 6 * x + 1)


def test_rejects_wrong_inputs(saved: _runtime.Model, x: np.ndarray) -> None:
    bad = _runtime.Status.INVALID_ARGUMENT
    assert error(bad, saved.run, []) == "the model has 1 input, 0 given"
    assert (
        error(bad, saved.run, [x.astype(np.float64)])
        == "input 'x' has dtype float64, the model needs float32"
    )
    assert error(bad, saved.run, [x[:3]]) == "input 'x' has shape (3, 64), the model needs (64, 64)"
    assert "rank" not in error(bad, saved.run, [x.reshape(-1)])
    assert "(str)" in error(bad, saved.run, ["text"])
    assert "threads" in error(bad, lambda: saved.run([x], threads=-1))


def test_rejects_wrong_parameters(build: Build, x: np.ndarray) -> None:
    model = _runtime.Model(str(build()))
    bad = _runtime.Status.INVALID_ARGUMENT
    assert error(bad, model.set_parameters, [x]) == "the model has 2 parameters, 1 given"
    message = error(bad, model.set_parameters, [x, x.astype(np.int32)])
    assert message == "parameter 'layer.b' has dtype int32, the model needs float32"


def test_many_threads_share_a_model(saved: _runtime.Model, x: np.ndarray) -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for i in range(50):
            value = x + number + i
            if not np.array_equal(saved.run([value], threads=1 + i % 3)[1], 6 * value + 1):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_profiles_each_step(saved: _runtime.Model, x: np.ndarray) -> None:
    seconds = saved.profile([x], threads=2)
    assert len(seconds) == len(saved.steps) and all(s > 0 for s in seconds)


@pytest.mark.parametrize(
    ("macro", "code", "words"),
    [
        ("MAGIC=1", "NOT_AN_ARTEFACT", "magic"),
        ("ABI=999", "WRONG_ABI", "compile the model again"),
        ('FEATURES="xop,tbm,lwp,fma4"', "MISSING_CPU_FEATURE", "lacks: xop, tbm, fma4"),
    ],
)
def test_rejects_models_it_cannot_run(build: Build, macro: str, code: str, words: str) -> None:
    if _runtime.cpu_has_feature("xop") and "xop" in macro:
        pytest.skip("this CPU has the features")
    path = build(macro)
    assert words in error(_runtime.Status[code], _runtime.Model, str(path))


def test_rejects_files_that_are_no_models(tmp_path: Path, build: Build) -> None:
    status = _runtime.Status
    assert "missing.so" in error(
        status.FILE_NOT_FOUND, _runtime.Model, str(tmp_path / "missing.so")
    )
    path = tmp_path / "model.so"
    path.write_text("hello")
    error(status.NOT_AN_ARTEFACT, _runtime.Model, str(path))
    content = build("WEIGHTS").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "truncated" in error(status.TRUNCATED, _runtime.Model, str(path))


def test_accepts_torch_tensors(build: Build, x: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    model = _runtime.Model(str(build()))
    w = torch.nn.Parameter(torch.from_numpy(x + 1))  # wants gradients
    b = torch.from_numpy(x - 1)
    model.set_parameters([w, b])
    model.prepare()
    expected = 2 * (x + 1) * x + (x - 1)
    np.testing.assert_array_equal(model.run([torch.from_numpy(x)])[1], expected)
    np.testing.assert_array_equal(model.run([torch.from_numpy(x.T.copy()).t()])[1], expected)
    result = torch.empty(SHAPE)
    model.run([torch.from_numpy(x)], outputs=[torch.empty(()), result])
    np.testing.assert_array_equal(result.numpy(), expected)
    meta = torch.empty(SHAPE, device="meta")
    assert "'x'" in error(_runtime.Status.INVALID_ARGUMENT, model.run, [meta])


def test_aligned_torch_parameters_are_not_copied(build: Build) -> None:
    torch = pytest.importorskip("torch")
    model = _runtime.Model(str(build()))
    w, b = torch.ones(SHAPE), torch.ones(SHAPE)
    if b.data_ptr() % 64:
        pytest.skip("torch allocated it misaligned")
    model.set_parameters([w, b])
    model.prepare()
    assert model.constant_view(1).ctypes.data == b.data_ptr()


DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64"


@pytest.fixture(scope="session")
def copies(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that copies one tensor of 4 elements of each element type."""
    sizes = [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8]
    tensors = "".join(
        f'{{"{d}", {i}, 1, shape, {4 * sizes[i]}}},' for i, d in enumerate(DTYPES.split())
    )
    refs = "".join(
        f"static const fairway_buffer_ref r{i}[] = {{{{1, {i}}}, {{2, {i}}}}};"
        f"static void k{i}(void *const *b, void *s, int64_t w, int64_t n)"
        f"{{ (void)s; (void)w; (void)n; __builtin_memcpy(b[1], b[0], {4 * sizes[i]}); }}"
        for i in range(13)
    )
    steps = "".join(f'{{"copy", k{i}, r{i}, 2, 0, 1, 0, 0}},' for i in range(13))
    source = tmp_path_factory.mktemp("copies") / "copies.c"
    source.write_text(
        '#include "fairway/Runtime/artefact.h"\n'
        "static const int64_t shape[] = {4};"
        f"static const fairway_tensor_desc tensors[] = {{{tensors}}};"
        f"{refs} static const fairway_step steps[] = {{{steps}}};"
        '__attribute__((visibility("default"))) const fairway_artefact_t fairway_artefact = {'
        'FAIRWAY_ARTEFACT_MAGIC, FAIRWAY_ARTEFACT_ABI, "", "", "", "", tensors, tensors, 0, 0,'
        "13, 13, 0, 0, 0, 0, {steps, 13, 0, 0}, {0, 0, 0, 0}, 0, 0, 0, 0};"
    )
    return build(source=source)


def test_every_dtype_goes_in_and_out(copies: Path) -> None:
    model = _runtime.Model(str(copies))
    assert [i.dtype for i in model.inputs] == DTYPES.split()
    values = [
        np.array([0, 1, 1, 0], np.uint16 if d == "bfloat16" else np.dtype(d))
        for d in DTYPES.split()
    ]
    for value, result in zip(values, model.run(values), strict=True):
        assert result.dtype == value.dtype
        np.testing.assert_array_equal(result, value)
    for i, value in enumerate(values):  # each type is checked
        wrong = list(values)
        wrong[i] = value.astype(np.complex64)
        message = error(_runtime.Status.INVALID_ARGUMENT, model.run, wrong)
        assert f"'{DTYPES.split()[i]}'" in message and "complex64" in message


def test_bfloat16_comes_from_torch(copies: Path) -> None:
    torch = pytest.importorskip("torch")
    model = _runtime.Model(str(copies))
    tensors = [torch.tensor([0, 1, 1, 0]).to(getattr(torch, d)) for d in DTYPES.split()]
    results = model.run(tensors)
    bits = results[DTYPES.split().index("bfloat16")]
    assert bits.dtype == np.uint16
    assert torch.from_numpy(bits).view(torch.bfloat16).tolist() == [0, 1, 1, 0]
    assert results[0].dtype == np.bool_ and results[0].tolist() == [False, True, True, False]


def test_knows_the_machine() -> None:
    assert _runtime.default_threads() >= 1
    assert _runtime.cpu_has_feature("no-such-feature") is None


def test_importing_needs_neither_torch_nor_numpy() -> None:
    code = "import fairway._runtime, sys; print({'torch', 'numpy', 'onnx'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
