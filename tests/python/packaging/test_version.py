# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The version of a checkout, of a shallow clone, of archives."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
TIME = "2026-03-04T05:06:07+0000"
EXPECTED = "1.2.3.dev20260304050607+g"

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


@pytest.fixture(scope="session")
def source_version() -> ModuleType:
    path = ROOT / "tools" / "packaging" / "source_version.py"
    spec = importlib.util.spec_from_file_location("source_version", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _git(folder: Path, *arguments: str) -> str:
    variables = {"GIT_COMMITTER_DATE": TIME, "GIT_AUTHOR_DATE": TIME}
    for role in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    (folder / "CMakeLists.txt").write_text("project(fairway VERSION 1.2.3 LANGUAGES C)\n")
    for name in (".git_archival.txt", ".gitattributes"):
        shutil.copy(ROOT / name, folder)
    _git(folder, "add", ".")
    for message in ("one", "two"):
        _git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return folder


def test_names_the_commit_and_its_time(checkout: Path, source_version: ModuleType) -> None:
    commit = _git(checkout, "rev-parse", "HEAD")
    assert source_version.version(checkout) == EXPECTED + commit[:10]


def test_is_the_same_in_a_shallow_clone(
    checkout: Path, tmp_path: Path, source_version: ModuleType
) -> None:
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", str(shallow))
    assert source_version.version(shallow) == source_version.version(checkout)


def test_is_the_same_in_an_archive_without_git(
    checkout: Path, tmp_path: Path, source_version: ModuleType
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    _git(checkout, "archive", f"--output={tmp_path / 'a.tar'}", "HEAD")
    subprocess.run(["tar", "-xf", tmp_path / "a.tar", "-C", archive], check=True)
    assert source_version.version(archive) == source_version.version(checkout)


def test_a_source_distribution_keeps_it(
    checkout: Path, tmp_path: Path, source_version: ModuleType
) -> None:
    shutil.copy(checkout / "CMakeLists.txt", tmp_path)
    expected = source_version.version(checkout)
    (tmp_path / "PKG-INFO").write_text(f"Metadata-Version: 2.4\nVersion: {expected}\n\nx\n")
    assert source_version.version(tmp_path) == expected


def test_tells_of_changes_that_are_not_committed(
    checkout: Path, source_version: ModuleType
) -> None:
    with (checkout / "CMakeLists.txt").open("a") as file:
        file.write("# changed\n")
    assert source_version.version(checkout).endswith(".dirty")


def test_a_tagged_commit_is_the_release(checkout: Path, source_version: ModuleType) -> None:
    _git(checkout, "tag", "v1.2.2")
    assert source_version.version(checkout).startswith(EXPECTED)
    _git(checkout, "tag", "v1.2.3")
    assert source_version.version(checkout) == "1.2.3"


def test_a_checkout_around_it_is_not_asked(checkout: Path, source_version: ModuleType) -> None:
    inner = checkout / "vendored"
    inner.mkdir()
    shutil.copy(checkout / "CMakeLists.txt", inner)
    assert source_version.version(inner) == "1.2.3.dev0+unknown"


def test_time_of_the_build_is_the_commits(source_version: ModuleType) -> None:
    assert source_version.epoch(EXPECTED + "0123456789") == 1772600767
    assert source_version.epoch("1.2.3") == source_version.EARLIEST
