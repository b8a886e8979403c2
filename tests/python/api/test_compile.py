# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling and calling: structures, types, threads, progress and the cache."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairway
from fairway.cache import Cache

torch = pytest.importorskip("torch")


class Mixed(torch.nn.Module):
    """Nested arguments and results of several dtypes."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, pair: Any, *, options: Any) -> Any:
        x, ids = pair
        y = self.linear(x) * options["scale"]
        return {"y": y, "more": [ids + 1, y > 0]}


def linear(rows: int = 2) -> tuple[Any, Any]:
    return torch.nn.Linear(4, 3).eval(), torch.randn(rows, 4)


def assert_close(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_keeps_structure_and_dtypes() -> None:
    model = Mixed().eval()
    args = ((torch.randn(2, 4), torch.arange(6)),)
    kwargs = {"options": {"scale": torch.tensor(0.5)}}
    result = fairway.compile(model, args, kwargs)(*args, **kwargs)
    assert_close(result, model(*args, **kwargs))
    assert result["more"][0].dtype == torch.int64
    assert result["more"][1].dtype == torch.bool


class Difference(torch.nn.Module):
    """The difference of its arguments, and of the first and a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3))

    def forward(self, x: Any, y: Any) -> Any:
        return x - y, x - self.weight


def test_examples_that_are_one_tensor_stay_two_arguments() -> None:
    model, (x, y) = Difference().eval(), torch.randn(2, 3)
    for examples in ((x, x), (model.weight, y)):
        assert_close(fairway.compile(model, examples)(x, y), model(x, y))


def test_numpy_in_numpy_out() -> None:
    model, x = linear()
    result = fairway.compile(model, (x,))(x.numpy())
    assert isinstance(result, np.ndarray)
    assert_close(torch.from_numpy(result), model(x).detach())


def test_strided_and_unaligned_inputs_give_the_same_result() -> None:
    model, x = linear(8)
    exe = fairway.compile(model, (x,))
    expected = exe(x)
    assert torch.equal(exe(x.T.contiguous().T), expected)
    shifted = np.zeros(33, np.float32)[1:].reshape(8, 4)
    shifted[:] = x.numpy()
    np.testing.assert_array_equal(exe(shifted), expected.numpy())


def test_large_results_can_have_huge_pages() -> None:
    class Next(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x + 1

    x = torch.randn(1024, 1025)
    result = fairway.compile(Next().eval(), (x,))(x)
    assert torch.equal(result, x + 1)
    assert result.data_ptr() % (2 << 20) == 0


def test_results_are_independent_of_each_other() -> None:
    model, x = linear()
    exe = fairway.compile(model, (x,))
    first = exe(x)
    kept = first.clone()
    exe(x + 1)
    assert torch.equal(first, kept)


def test_runs_leave_weights_and_inputs_alone(tmp_path: Path) -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, 4, 1)
    ).eval()
    x = torch.randn(1, 3, 16, 16)
    given, weights = x.clone(), [p.detach().clone() for p in model.parameters()]
    expected = model(x)
    exe = fairway.compile(model, (x,))
    for runner in (exe, fairway.load(exe.save(tmp_path / "conv.so"))):
        for _ in range(3):
            assert_close(runner(x), expected)
    assert torch.equal(x, given)
    assert all(map(torch.equal, weights, model.parameters()))


def test_runs_by_name() -> None:
    model, x = linear()
    exe = fairway.compile(model, (x,))
    result = exe.run({exe.inputs[0].name: x})
    assert list(result) == [exe.outputs[0].name]
    assert torch.equal(result[exe.outputs[0].name], exe(x))


def test_onnx(onnx_mlp: Path, mlp_reference: Callable[[Any], Any]) -> None:
    exe = fairway.compile(onnx_mlp, dims={"batch": 5})
    x = np.random.default_rng().standard_normal((5, 8)).astype(np.float32)
    np.testing.assert_allclose(exe(x), mlp_reference(x), rtol=1e-4, atol=1e-6)
    assert [spec.name for spec in exe.outputs] == ["y"]
    assert exe.framework == "onnx"


def test_onnx_from_bytes(onnx_mlp: Path) -> None:
    x = np.ones((2, 8), np.float32)
    by_bytes = fairway.compile(onnx_mlp.read_bytes(), dims={"batch": 2})
    by_path = fairway.compile(onnx_mlp, dims={"batch": 2})
    np.testing.assert_array_equal(by_bytes(x), by_path(x))


def test_exported_program_and_its_file(tmp_path: Path) -> None:
    model, x = linear()
    exported = torch.export.export(model, (x,))
    assert_close(fairway.compile(exported)(x), model(x))
    torch.export.save(exported, tmp_path / "model.pt2")
    assert_close(fairway.compile(tmp_path / "model.pt2")(x), model(x))


def test_many_threads_may_call_at_once() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 8))
    inputs = [torch.randn(16, 64) for _ in range(8)]
    exe = fairway.compile(model.eval(), (inputs[0],))
    expected = [exe(x) for x in inputs]
    start = threading.Barrier(8)

    def work(index: int) -> bool:
        start.wait()
        return all(torch.equal(exe(inputs[index]), expected[index]) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_thread_count_gives_the_same_result(threads: int) -> None:
    model, x = linear(64)
    exe = fairway.compile(model, (x,), threads=threads)
    assert exe.threads == threads
    assert_close(exe(x), model(x))
    exe.threads = 3
    assert_close(exe(x), model(x))


@pytest.mark.parametrize("threads", [0, -1, 2.0, True, 5000])
def test_rejects_a_thread_count_that_is_none(threads: Any) -> None:
    model, x = linear()
    with pytest.raises(fairway.InvalidArgument, match=f"threads is {threads}"):
        fairway.compile(model, (x,), threads=threads)


def test_rejects_an_unknown_target_and_suggests_one() -> None:
    model, x = linear()
    with pytest.raises(fairway.InvalidArgument, match="did you mean 'cpu'"):
        fairway.compile(model, (x,), target="cpuu")


def test_rejects_an_unknown_processor() -> None:
    model, x = linear()
    with pytest.raises(fairway.InvalidArgument, match="pentium-9000"):
        fairway.compile(model, (x,), cpu="pentium-9000")


def test_describes_itself() -> None:
    model, x = linear()
    exe = fairway.compile(model, (x,))
    assert "float32[2, 4]" in repr(exe)
    assert exe.inputs[0].shape == (2, 4)
    assert exe.outputs[0].shape == (2, 3)
    assert exe.plan().steps
    assert {kernel.name for kernel in exe.kernels} == {step.name for step in exe.plan().steps}
    assert exe.version == fairway.__version__
    assert "x86_64" in exe.target or "aarch64" in exe.target


def stages(*args: Any, **kwargs: Any) -> list[str]:
    found: list[str] = []
    fairway.compile(*args, progress=found.append, **kwargs)
    return found


def test_second_compilation_comes_from_the_cache(tmp_path: Path) -> None:
    model, x = linear()
    cache = Cache(tmp_path)
    first = stages(model, (x,), cache=cache)
    second = stages(model, (x,), cache=cache)
    assert "found in the cache" not in first
    assert "found in the cache" in second
    assert len(second) < len(first)
    assert cache.info().entries == 1


def test_cached_code_serves_other_weights(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for _ in range(2):
        model, x = linear()
        assert_close(fairway.compile(model, (x,), cache=cache)(x), model(x))
    assert cache.info().entries == 1


class Tied(torch.nn.Module):
    """Two layers whose weights may be the same tensor, a constant, and a layout that is copied."""

    def __init__(self, tied: bool, constant: float) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 4)
        self.second = torch.nn.Linear(4, 4)
        if tied:
            self.second.weight = self.first.weight
        self.turned = torch.nn.Parameter(torch.randn(4, 3).T)
        self.constant = constant

    def forward(self, x: Any) -> Any:
        y = self.second(self.first(x)) + torch.tensor([self.constant, 1.0, 2.0, 3.0])
        return y @ self.turned.T


def test_cached_code_is_never_another_models(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for _ in range(2):
        for tied in (False, True):
            for constant in (0.5, 1.5):
                model, x = Tied(tied, constant).eval(), torch.randn(2, 4)
                assert_close(fairway.compile(model, (x,), cache=cache)(x), model(x))
    assert cache.info().entries == 4


def test_model_in_the_cache_is_not_lowered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, onnx_mlp: Path
) -> None:
    cache = Cache(tmp_path)
    model, x = linear()
    expected = fairway.compile(onnx_mlp, dims={"batch": 2}, cache=cache)
    fairway.compile(model, (x,), cache=cache)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("lowered again")

    for importer in ("torch_importer", "onnx_importer"):
        monkeypatch.setattr(f"fairway.ingest.{importer}.Worker", refuse)
    other, _ = linear()
    assert_close(fairway.compile(other, (x,), cache=cache)(x), other(x))
    found = fairway.compile(onnx_mlp, dims={"batch": 2}, cache=cache)
    inputs = {spec.name: np.ones(spec.shape, spec.dtype) for spec in found.inputs}
    for name, array in found.run(inputs).items():
        np.testing.assert_array_equal(array, expected.run(inputs)[name])
    with pytest.raises(AssertionError, match="lowered again"):
        fairway.compile(other, (x,), cache=cache, threads=3)


def test_model_whose_code_was_removed_is_compiled_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    model, x = linear()
    fairway.compile(model, (x,), cache=cache)
    shutil.rmtree(tmp_path / "v1")
    assert "found in the cache" not in stages(model, (x,), cache=cache)
    assert "found in the cache" in stages(model, (x,), cache=cache)


def test_options_that_change_code_are_cached_apart(tmp_path: Path) -> None:
    model, x = linear()
    cache = Cache(tmp_path)
    fairway.compile(model, (x,), cache=cache)
    fairway.compile(model, (x,), cache=cache, cpu="x86-64-v2")
    assert cache.info().entries == 2


MOVED = """
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) * 3
"""


def test_model_that_moved_within_its_file_is_found_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for index, lines in enumerate((0, 5)):
        source = tmp_path / f"moved_{index}.py"
        source.write_text("\n" * lines + MOVED)
        scope: dict[str, Any] = {"__name__": "moved"}
        exec(compile(source.read_text(), str(source), "exec"), scope)
        fairway.compile(scope["Net"](), (torch.ones(2),), cache=cache)
    assert cache.info().entries == 1


def test_damaged_cache_entry_is_compiled_again(tmp_path: Path) -> None:
    model, x = linear()
    cache = Cache(tmp_path)
    fairway.compile(model, (x,), cache=cache)
    for file in tmp_path.rglob("code.*"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "found in the cache" not in stages(model, (x,), cache=cache)
    assert_close(fairway.compile(model, (x,), cache=cache)(x), model(x))


def test_cache_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    model, x = linear()
    with pytest.warns(fairway.CacheWarning, match="going on without it") as caught:
        exe = fairway.compile(model, (x,), cache=Cache(tmp_path / "file" / "cache"))
    assert caught[0].filename == __file__  # points at the user's line
    assert_close(exe(x), model(x))


def test_full_cache_disk_is_a_warning(
    tmp_path: Path,
    full_disk: Callable[[int], contextlib.AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x = linear()
    expected = model(x)
    put = Cache.put

    def put_on_full_disk(self: Cache, key: str, write: Callable[[Path], None]) -> Path:
        def limited(folder: Path) -> None:
            write(folder)  # compile first: only the cache's disk is full
            with full_disk(64):
                write(folder)

        return put(self, key, limited)

    monkeypatch.setattr(Cache, "put", put_on_full_disk)
    with pytest.warns(fairway.CacheWarning, match="cannot be used"):
        exe = fairway.compile(model, (x,), cache=Cache(tmp_path))
    assert_close(exe(x), expected)
    assert Cache(tmp_path).info().entries == 0


def test_without_cache_nothing_is_written(
    session_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRWAY_CACHE_DIR", str(tmp_path / "cache"))
    model, x = linear()
    fairway.compile(model, (x,), cache=False)
    assert not (tmp_path / "cache").exists()
