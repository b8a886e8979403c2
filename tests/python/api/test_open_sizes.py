# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that leave sizes to their calls, on one that is written in C.

tests/unit/runtime/artefacts/pairs.c takes x[batch, length] and w[2 length + 1], both
float32, with a batch up to 32, and computes

    z[i, j] = 4 x[i, j] + w[2 j] + w[2 j + 1] + w[2 length]

and y[batch + 1]: the sums of z's rows, then the sum of those.
"""

from __future__ import annotations

import gc
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fairway
from fairway import _runtime, doctor, header
from fairway.cli import main
from fairway.tensors import draw

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "tests" / "unit" / "runtime" / "artefacts" / "pairs.c"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("pairs") / "pairs.so"
    flags = ["-std=gnu11", "-shared", "-fPIC", "-O2", "-fvisibility=hidden"]
    include = f"-I{ROOT / 'include'}"
    subprocess.run([compiler, *flags, include, str(SOURCE), "-o", str(library)], check=True)
    return library


@pytest.fixture
def model(library: Path) -> _runtime.Model:
    return _runtime.Model(str(library))


@pytest.fixture
def executable(library: Path) -> fairway.Executable:
    return fairway.load(library)


def feeds(batch: int, length: int) -> dict[str, np.ndarray]:
    """Fresh inputs: small whole numbers, which float32 adds exactly."""
    generator = np.random.default_rng()
    return {
        "x": generator.integers(-4, 5, (batch, length)).astype(np.float32),
        "w": generator.integers(-4, 5, 2 * length + 1).astype(np.float32),
    }


def expected(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z = 4 * x + w[:-1:2] + w[1::2] + w[-1]
    rows = z.sum(axis=1)
    return np.append(rows, rows.sum()), z


def test_describes_what_varies(model: _runtime.Model) -> None:
    assert [info.shape for info in model.inputs] == [("batch", "length"), ("2*length + 1",)]
    assert [info.shape for info in model.outputs] == [("batch + 1",), ("batch", "length")]
    assert model.sizes == [("batch", 0, 32), ("length", 0, None)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("batch", "length"), [(1, 1), (3, 50), (32, 700), (0, 4), (4, 0), (0, 0)])
def test_runs_at_the_sizes_of_its_inputs(
    model: _runtime.Model, batch: int, length: int, threads: int
) -> None:
    given = feeds(batch, length)
    y, z = model.run(list(given.values()), None, threads)
    wanted = expected(**given)
    np.testing.assert_array_equal(y, wanted[0])
    np.testing.assert_array_equal(z, wanted[1])


def test_writes_to_given_outputs(model: _runtime.Model) -> None:
    given = feeds(3, 5)
    y, z = np.empty(4, np.float32), np.empty((3, 5), np.float32)
    results = model.run(list(given.values()), [y, z])
    assert results[1] is z
    np.testing.assert_array_equal(z, expected(**given)[1])
    with pytest.raises(_runtime.Error, match=re.escape("output 'y' has shape (4,)")):
        model.run(list(feeds(2, 5).values()), [y, z])


def test_copies_inputs_that_are_not_dense(model: _runtime.Model) -> None:
    given = feeds(6, 5)
    given["x"] = given["x"][::2]
    np.testing.assert_array_equal(model.run(list(given.values()))[1], expected(**given)[1])


@pytest.mark.parametrize(
    ("batch", "length", "pairs", "message"),
    [
        (40, 3, 7, "input 'x' has 40 as axis 0 ('batch'); the model was compiled for 0 to 32"),
        (2, 3, 9, "input 'w' has 9 as axis 0 ('2*length + 1'), but length is 3 by axis 1 of "
         "input 'x'"),
    ],
)  # fmt: skip
def test_names_the_size_that_does_not_fit(
    model: _runtime.Model,
    executable: fairway.Executable,
    batch: int,
    length: int,
    pairs: int,
    message: str,
) -> None:
    x, w = np.zeros((batch, length), np.float32), np.zeros(pairs, np.float32)
    with pytest.raises(_runtime.Error, match=re.escape(message)) as caught:
        model.run([x, w])
    assert caught.value.code == _runtime.Status.INVALID_ARGUMENT
    with pytest.raises(fairway.InvalidArgument, match=re.escape(message)):
        executable(x, w)


def test_checks_rank_and_dtype_first(model: _runtime.Model) -> None:
    x, w = feeds(2, 3).values()
    with pytest.raises(_runtime.Error, match="input 'x' has rank 1, the model needs 2"):
        model.run([x[0], w])
    with pytest.raises(_runtime.Error, match="input 'w' has dtype float64"):
        model.run([x, w.astype(np.float64)])


def test_profiles_at_the_sizes_of_its_inputs(model: _runtime.Model) -> None:
    for batch in (2, 9):
        seconds = model.profile(list(feeds(batch, 30).values()))
        assert len(seconds) == len(model.steps)
        assert all(second > 0 for second in seconds)


def test_many_threads_run_at_many_sizes(model: _runtime.Model) -> None:
    wrong: list[tuple[int, int]] = []

    def call(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(40):
            batch, length = map(int, generator.integers(0, 30, 2))
            given = feeds(batch, length)
            if not np.array_equal(model.run(list(given.values()))[1], expected(**given)[1]):
                wrong.append((batch, length))

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_binding_describes_certain_sizes(model: _runtime.Model) -> None:
    at = model.at([5, 40])
    assert at.sizes == [5, 40]
    assert [info.shape for info in at.inputs] == [(5, 40), (81,)]
    assert [(info.shape, info.nbytes) for info in at.outputs] == [((6,), 24), ((5, 40), 800)]
    assert at.steps[0].dimensions == [(5, 1), (40, 40)]
    assert at.arena_bytes == 832 + 1600  # 800 and 1600 bytes; the third shares the first's
    assert at.scratch_bytes == 160
    assert model.at().sizes == [2, 3]
    with pytest.raises(_runtime.Error, match="size 'batch' is 33, the model was compiled for"):
        model.at([33, 1])


def test_binding_keeps_its_model(library: Path) -> None:
    at = _runtime.Model(str(library)).at([5, 40])
    gc.collect()
    assert at.outputs[1].shape == (5, 40)


def test_executable_runs_by_name_and_position(executable: fairway.Executable) -> None:
    for batch, length in [(1, 8), (7, 3)]:
        given = feeds(batch, length)
        wanted = expected(**given)
        y, z = executable(given["x"], given["w"])
        np.testing.assert_array_equal(y, wanted[0])
        np.testing.assert_array_equal(executable.run(given)["z"], z)
        np.testing.assert_array_equal(z, wanted[1])


def test_executable_takes_torch_tensors(executable: fairway.Executable) -> None:
    torch = pytest.importorskip("torch")
    given = feeds(4, 6)
    y, _ = executable(*map(torch.from_numpy, given.values()))
    assert isinstance(y, torch.Tensor)
    np.testing.assert_array_equal(y.numpy(), expected(**given)[0])


def test_executable_describes_what_varies(executable: fairway.Executable) -> None:
    assert executable.sizes == {"batch": (0, 32), "length": (0, None)}
    assert executable.inputs[1].shape == ("2*length + 1",)
    assert not executable.inputs[0].is_static
    assert repr(executable) == (
        "<fairway.Executable (x: float32[batch, length], w: float32[2*length + 1]) -> "
        "(y: float32[batch + 1], z: float32[batch, length])>"
    )
    shapes = [spec.shape for spec in executable.inputs_at({"length": 4, "batch": 2})]
    assert shapes == [(2, 4), (9,)]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"batch": 2}, "the size 'length' is missing"),
        ({"batch": 2, "length": 4, "width": 1}, "'width' is no size that this model leaves open"),
        ({"batch": 33, "length": 4}, "size 'batch' is 33"),
    ],
)
def test_refuses_wrong_sizes(
    executable: fairway.Executable, sizes: dict[str, int], message: str
) -> None:
    with pytest.raises(fairway.InvalidArgument, match=message):
        executable.inputs_at(sizes)
    with pytest.raises(fairway.InvalidArgument, match=message):
        executable.plan(sizes)


def test_wrong_rank_shows_the_open_shape(executable: fairway.Executable) -> None:
    x, w = feeds(2, 3).values()
    with pytest.raises(
        fairway.InvalidArgument, match=re.escape("not 2 dimensions [batch, length]")
    ):
        executable(x[0], w)


def test_random_values_need_sizes(executable: fairway.Executable) -> None:
    with pytest.raises(fairway.InvalidArgument, match=re.escape("[batch, length] is open")):
        draw(executable.inputs)
    drawn = draw(executable.inputs_at({"batch": 2, "length": 4}))
    assert {name: value.shape for name, value in drawn.items()} == {"x": (2, 4), "w": (9,)}


def test_plan_is_that_of_the_sizes(executable: fairway.Executable) -> None:
    example, plan = executable.plan(), executable.plan({"batch": 5, "length": 40})
    assert example.sizes == {"batch": 2, "length": 3}
    assert plan.arena_bytes == 832 + 1600
    assert plan.live_bytes == 800 + 1600
    assert plan.steps[0].partition == "5/1x40"
    assert [str(buffer) for buffer in plan.steps[0].buffers if not buffer.written] == ["x", "sizes"]
    assert str(plan).startswith("with batch = 5, length = 40: 5 steps")
    assert plan.to_json()["sizes"] == {"batch": 5, "length": 40}


def test_saves_and_loads(executable: fairway.Executable, tmp_path: Path) -> None:
    executable.save(tmp_path / "model.so")
    again = fairway.load(tmp_path / "model.so")
    given = feeds(3, 9)
    np.testing.assert_array_equal(again.run(given)["z"], expected(**given)[1])


def test_header_has_what_is_fixed(executable: fairway.Executable) -> None:
    text = header.render(executable, "model")
    for line in (
        "#define MODEL_NUM_SIZES 2",
        "/** Size 0, batch: 0 to 32. */",
        "#define MODEL_SIZE_BATCH_MAXIMUM 32",
        "/** Size 1, length: 0 or more. */",
        "/** Input 1, w: float32[2*length + 1], row-major. */",
        "#define MODEL_INPUT_X_RANK 2",
    ):
        assert line in text.splitlines()
    for name in ("X_DIM0", "X_BYTES", "X_ELEMENTS", "LENGTH_MAXIMUM"):
        assert name not in text


def test_programs_bind_as_the_header_says(executable: fairway.Executable, tmp_path: Path) -> None:
    """The program in the header's comment, with values filled in, prints the outputs."""
    executable.save(tmp_path / "pairs.so")
    comment = (tmp_path / "pairs.h").read_text().split("*/")[0]
    code = "\n".join(line.removeprefix(" *").strip() for line in comment.splitlines())
    code = code[code.index("#include") : code.index("cc -I")]
    code = code.replace("{1, 1}", "{2, 3}").replace(
        "... fill `in`, row-major ...",
        "for (int i = 0; i < 6; ++i) in[i] = i;\nfloat w[] = {1, 2, 3, 4, 5, 6, 7};\nfloat z[6];",
    )
    code = code.replace("= {in};", "= {in, w};").replace("= {out};", "= {out, z};")
    code = code.replace(
        "fairway_binding_destroy(at);",
        'for (int i = 0; i < 3; ++i) printf("%g\\n", out[i]);\nfairway_binding_destroy(at);',
    )
    (tmp_path / "main.c").write_text(code)
    lib = doctor.runtime_folder()
    subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I.", f"-I{doctor.include_folder()}",
         "main.c", str(lib / "libfairway_runtime.so"), f"-Wl,-rpath,{lib}", "-o", "main"],
        cwd=tmp_path,
        check=True,
    )  # fmt: skip
    printed = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    wanted = expected(x, np.arange(1, 8, dtype=np.float32))[0]
    assert [float(line) for line in printed.stdout.split()] == wanted.tolist()


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code != 0
    return " ".join((result.output + str(result.exception)).split())


def test_cli_runs_files_of_any_sizes(library: Path, tmp_path: Path) -> None:
    for batch, length in [(2, 3), (5, 8)]:
        given = feeds(batch, length)
        for name, value in given.items():
            np.save(tmp_path / f"{name}.npy", value)
        files = [f"{name}={tmp_path / name}.npy" for name in given]
        invoke("run", library, "-i", files[0], "-i", files[1], "--output", tmp_path / "results")
        found = np.load(tmp_path / "results" / "z.npy")
        np.testing.assert_array_equal(found, expected(**given)[1])


def test_cli_runs_random_inputs_of_given_sizes(library: Path, tmp_path: Path) -> None:
    output = invoke("run", library, "--random", "--dim", "batch=4", "--dim", "length=6", "--json")
    shapes = {entry["name"]: entry["shape"] for entry in json.loads(output)["outputs"]}
    assert shapes == {"y": [5], "z": [4, 6]}
    # A file says the sizes of what it holds.
    np.save(tmp_path / "x.npy", feeds(3, 7)["x"])
    output = invoke("run", library, "-i", f"x={tmp_path / 'x.npy'}", "--random", "--json")
    shapes = {entry["name"]: entry["shape"] for entry in json.loads(output)["outputs"]}
    assert shapes == {"y": [4], "z": [3, 7]}


def test_cli_asks_for_sizes_of_random_inputs(library: Path) -> None:
    message = refused("run", library, "--random", "--dim", "batch=4")
    assert "the size 'length' open" in message and "--dim length=SIZE" in message
    dims = ["--dim", "batch=4", "--dim", "length=3", "--dim", "width=3"]
    assert "'width' is no size" in refused("run", library, "--random", *dims)
    message = refused("run", library, "--dim", "batch=4")
    assert "--dim has no meaning without --random" in message


def test_cli_inspects(library: Path) -> None:
    text = invoke("inspect", library)
    assert "batch, 0 to 32" in text and "length, 0 or more" in text
    assert "[2*length + 1]" in text
    assert "with batch = 2, length = 3" in text
    facts = json.loads(
        invoke("inspect", library, "--json", "--dim", "batch=5", "--dim", "length=40")
    )
    assert facts["sizes"] == [
        {"name": "batch", "minimum": 0, "maximum": 32},
        {"name": "length", "minimum": 0, "maximum": None},
    ]
    assert facts["inputs"][1]["shape"] == ["2*length + 1"]
    assert facts["memory"]["arena"] == 832 + 1600
