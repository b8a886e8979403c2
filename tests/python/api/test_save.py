# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Saving and loading: whole files or none, and refusal of files that do not fit."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairway

ABI_OFFSET = 4
MAGIC = b"FWY1"


@pytest.fixture(scope="module")
def executable(onnx_mlp: Path) -> fairway.Executable:
    return fairway.compile(onnx_mlp, dims={"batch": 2})


@pytest.fixture
def saved(executable: fairway.Executable, tmp_path: Path) -> Path:
    return executable.save(tmp_path / "model.so")


X = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)


def test_saved_model_computes_the_same(executable: fairway.Executable, saved: Path) -> None:
    loaded = fairway.load(saved)
    np.testing.assert_array_equal(loaded(X), executable(X))
    assert loaded.inputs == executable.inputs
    assert loaded.outputs == executable.outputs
    assert loaded.kernels == executable.kernels


def test_loading_needs_no_framework_and_no_compiler(saved: Path) -> None:
    script = (
        f"import sys, numpy, fairway; exe = fairway.load({str(saved)!r})\n"
        "exe(numpy.zeros((2, 8), numpy.float32))\n"
        "print(*[m for m in sys.modules if m.split('.')[0] in ('torch', 'onnx', 'torch_mlir')])\n"
        "print(*[m for m in sys.modules if m.startswith(('fairway.mlir', 'fairway.compiler'))])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


def test_structures_survive(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def forward(self, x: Any, *, y: Any) -> Any:
            return {"sum": x + y, "both": (x, [y])}

    x, y = torch.randn(2), torch.randn(2)
    executable = fairway.compile(Net(), (x,), {"y": y})
    loaded = fairway.load(executable.save(tmp_path / "net.so"))
    torch.testing.assert_close(loaded(x, y=y), Net()(x, y=y))


def test_loaded_model_can_be_saved_again(saved: Path, tmp_path: Path) -> None:
    again = fairway.load(saved).save(tmp_path / "again.so")
    np.testing.assert_array_equal(fairway.load(again)(X), fairway.load(saved)(X))
    assert (tmp_path / "again.h").exists()


def test_model_can_be_saved_over_itself(saved: Path) -> None:
    loaded = fairway.load(saved)
    expected = loaded(X)
    loaded.save(saved)
    np.testing.assert_array_equal(fairway.load(saved)(X), expected)


def test_two_models_with_the_same_code_keep_their_weights(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    x = torch.randn(2, 4)
    models = [torch.nn.Linear(4, 3).eval() for _ in range(2)]
    files = [
        fairway.compile(model, (x,)).save(tmp_path / f"{index}.so")
        for index, model in enumerate(models)
    ]
    for loaded, model in zip([fairway.load(file) for file in files], models, strict=True):
        torch.testing.assert_close(loaded(x), model(x).detach(), rtol=1e-4, atol=1e-5)


def test_header_is_c(saved: Path, tmp_path: Path) -> None:
    source = tmp_path / "use.c"
    source.write_text(
        '#include "model.h"\n'
        '_Static_assert(MODEL_NUM_INPUTS == 1 && MODEL_NUM_OUTPUTS == 1, "");\n'
        '_Static_assert(MODEL_INPUT_X_DIM0 == 2 && MODEL_INPUT_X_DIM1 == 8, "");\n'
        '_Static_assert(MODEL_INPUT_X_BYTES == 2 * 8 * sizeof(model_input_x_t), "");\n'
        '_Static_assert(MODEL_OUTPUT_Y_ELEMENTS == 6, "");\n'
        "const char *name = MODEL_INPUT_X_NAME;\n"
    )
    for command in (["cc", "-std=c11", "-pedantic"], ["c++", "-x", "c++", "-std=c++17"]):
        if command[0] == "c++":
            source.write_text('#include "model.h"\nstatic_assert(MODEL_INPUT_X_RANK == 2, "");\n')
        subprocess.run(
            [*command, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", str(source)], check=True
        )


@contextlib.contextmanager
def read_only_folder() -> Iterator[Path]:
    """A folder in which this process, root or not, may make no file."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_read_only_folder(executable: fairway.Executable, saved: Path) -> None:
    # `saved` has imported all that saving needs, before the rights go.
    with (
        read_only_folder() as folder,
        pytest.raises(fairway.ArtifactError, match=r"cannot write .*Permission denied"),
    ):
        executable.save(folder / "model.so")


def test_missing_folder(executable: fairway.Executable, tmp_path: Path) -> None:
    with pytest.raises(fairway.ArtifactError, match="cannot write"):
        executable.save(tmp_path / "none" / "model.so")


@pytest.mark.parametrize("missing", [None, 1, 200])
def test_full_disk_keeps_the_old_file(
    executable: fairway.Executable,
    saved: Path,
    full_disk: Callable[[int], contextlib.AbstractContextManager[None]],
    missing: int | None,
) -> None:
    """Whether the code does not fit, or only the end of the weights."""
    before = {file.name: file.read_bytes() for file in saved.parent.iterdir()}
    limit = 128 if missing is None else saved.stat().st_size - missing
    with full_disk(limit), pytest.raises(fairway.ArtifactError, match="cannot write") as caught:
        executable.save(saved)
    assert "has space for" in (caught.value.hint or "")
    assert {file.name: file.read_bytes() for file in saved.parent.iterdir()} == before
    fairway.load(saved)


SAVE = """
import re, sys, torch, fairway
from pathlib import Path

def status(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

model = torch.nn.Linear(4096, 4096).eval()
exe = fairway.compile(model, (torch.randn(1, 4096),))
folder = Path(sys.argv[1])
exe.save(folder / "first.so")
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
exe.save(folder / "model.so")
print(status("VmHWM") - before)
"""


def test_saving_takes_little_memory(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = subprocess.run(
        [sys.executable, "-c", SAVE, str(tmp_path)], check=True, stdout=subprocess.PIPE, text=True
    )
    weights = 4 * 4096 * 4096
    assert (tmp_path / "model.so").stat().st_size > weights
    assert int(result.stdout) < weights / 4


def test_header_name_is_refused(executable: fairway.Executable, tmp_path: Path) -> None:
    with pytest.raises(fairway.ArtifactError, match="C header"):
        executable.save(tmp_path / "model.h")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(fairway.ArtifactError, match="does not exist"):
        fairway.load(tmp_path / "none.so")


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_truncated_file(saved: Path, part: float) -> None:
    data = saved.read_bytes()
    cut = saved.with_name("cut.so")
    cut.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(fairway.ArtifactError):
        fairway.load(cut)


def test_file_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("hello")
    with pytest.raises(fairway.ArtifactError):
        fairway.load(tmp_path / "text.so")


def test_library_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "c.c").write_text("int answer(void) { return 42; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "c.c", "-o", "c.so"], cwd=tmp_path, check=True)
    with pytest.raises(fairway.ArtifactError):
        fairway.load(tmp_path / "c.so")


def test_file_of_another_version(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    position = data.index(MAGIC) + ABI_OFFSET
    data[position : position + 4] = (99).to_bytes(4, "little")
    other = saved.with_name("other.so")
    other.write_bytes(data)
    with pytest.raises(fairway.ArtifactError, match="99"):
        fairway.load(other)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names a feature of x86-64")
def test_file_for_another_processor(onnx_mlp: Path) -> None:
    # No x86 processor has both: the first is Intel's, the second AMD's of long ago.
    with pytest.raises(fairway.ArtifactError, match=r"amx-fp16|fma4|xop"):
        fairway.compile(
            onnx_mlp, dims={"batch": 2}, cpu="x86-64-v3", features="+amx-fp16,+fma4,+xop"
        )
