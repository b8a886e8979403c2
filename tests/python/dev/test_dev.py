# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""./dev: what it remembers, what it says when something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dev import progress, stamps, system
from dev.failure import Failure

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of its own for what ./dev writes."""
    monkeypatch.setattr(stamps, "ROOT", tmp_path)
    monkeypatch.setattr(stamps, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(progress, "ROOT", tmp_path)
    monkeypatch.setattr(progress, "LOGS", tmp_path / "logs")
    return tmp_path


def test_digest_follows_content_and_not_time(tree: Path) -> None:
    file = tree / "a.txt"
    file.write_text("one")
    first = stamps.digest(["a.txt"])
    os.utime(file, (1, 1))
    assert stamps.digest(["a.txt"]) == first
    file.write_text("two")
    assert stamps.digest(["a.txt"]) != first


def test_digest_sees_a_renamed_file(tree: Path) -> None:
    (tree / "folder").mkdir()
    (tree / "folder" / "a.txt").write_text("one")
    first = stamps.digest(["folder"])
    (tree / "folder" / "a.txt").rename(tree / "folder" / "b.txt")
    assert stamps.digest(["folder"]) != first


def test_a_step_that_was_cut_off_is_done_again(tree: Path) -> None:
    stamps.save("step", "value")
    assert stamps.is_current("step", "value")
    assert not stamps.is_current("step", "other")
    stamps.clear("step")
    assert not stamps.is_current("step", "value")


def test_without_root_names_the_exact_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "missing_packages", lambda names: ["mlir-22-tools"])
    with pytest.raises(Failure) as caught:
        system.ensure_packages(["mlir-22-tools", "ccache"])
    assert "apt-get install --no-install-recommends mlir-22-tools\n" in str(caught.value)
    assert "ccache" not in str(caught.value)


def test_finds_packages_that_are_not_installed() -> None:
    assert system.missing_packages(["dpkg", "fairway-has-no-such-package"]) == [
        "fairway-has-no-such-package"
    ]


def test_a_full_disk_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "NEEDED_GIGABYTES", 1e9)
    monkeypatch.setattr(system, "TOOLS_VENV", Path("/nonexistent"))
    with pytest.raises(Failure, match="are free"):
        system.ensure_disk()


@pytest.mark.parametrize(
    ("disk", "memory", "told"), [(1e9, 0, "GB are free at"), (0, 1e9, "GB of memory are free")]
)
def test_too_little_room_for_llvm_is_told_before_the_work(
    tmp_path: Path, disk: float, memory: float, told: str
) -> None:
    system.ensure_room(tmp_path / "not" / "there" / "yet", 0, 0)
    with pytest.raises(Failure, match=f"{told}.*building LLVM needs"):
        system.ensure_room(tmp_path / "not" / "there" / "yet", disk, memory)


def test_jobs_fit_into_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    for available, expected in ((None, 8), (100.0, 8), (7.0, 3), (0.5, 1)):
        monkeypatch.setattr(system, "_available_memory", lambda value=available: value)
        assert system.jobs(2.0) == expected


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Temporary failure in name resolution", "did not answer"),
    ],
)
def test_a_failed_command_shows_its_log_and_what_to_do(
    tree: Path, capsys: pytest.CaptureFixture[str], line: str, hint: str
) -> None:
    script = f"print({line!r}); raise SystemExit(3)"
    with pytest.raises(Failure) as caught:
        progress.run("a step", [sys.executable, "-c", script], log="step")
    assert hint in str(caught.value)
    assert "logs/step.log" in str(caught.value)
    assert line in capsys.readouterr().out
    assert line in (tree / "logs" / "step.log").read_text()


def test_help_needs_nothing_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(ROOT / "dev"), "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout and "test" in done.stdout


def test_help_of_bench_names_its_arguments() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(ROOT / "dev"), "bench", "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout and "--page-only" in done.stdout
