# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""./dev wheel: what it compares, which Pythons it finds."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from dev import wheels
from dev.failure import Failure

NAME = "fairway-1.0-cp311-cp311-manylinux_2_34_x86_64.whl"


def _wheel(
    folder: Path, members: dict[str, str], second: int = 0, mode: int = 0o644, level: int = 6
) -> Path:
    folder.mkdir()
    path = folder / NAME
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, text in members.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, second))
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text, compresslevel=level)
    return path


MEMBERS = {"a.py": "one" * 50, "b.so": "two" * 50}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return _wheel(tmp_path / "first", MEMBERS)


def test_same_wheels_do_not_differ(first: Path, tmp_path: Path) -> None:
    assert wheels.differences(first, _wheel(tmp_path / "second", MEMBERS)) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"members": {**MEMBERS, "b.so": "six" * 50}}, "b.so has another content"),
        ({"members": {"a.py": MEMBERS["a.py"]}}, "b.so is in one only"),
        ({"members": dict(reversed(MEMBERS.items()))}, "another order"),
        ({"members": MEMBERS, "second": 2}, "a.py has another time or mode"),
        ({"members": MEMBERS, "mode": 0o600}, "a.py has another time or mode"),
        ({"members": MEMBERS, "level": 0}, "compressed differently"),
    ],
)
def test_every_difference_is_seen(
    first: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    found = wheels.differences(first, _wheel(tmp_path / "second", **changed))  # type: ignore[arg-type]
    assert any(message in line for line in found), found


def _program(path: Path, status: int) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_pyenvs_python_is_found_behind_a_shim_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "shims" / "python3.12", 127)
    real = _program(tmp_path / "versions" / "3.12.1" / "bin" / "python3.12", 0)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}/nonexistent")
    assert wheels.interpreter("3.12") == real


def test_a_python_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(Failure, match="Python 3.99 is not here"):
        wheels.interpreter("3.99")
    with pytest.raises(Failure, match="Python 3.98 is not here"):
        wheels.build_for(["3.98"], [])


def test_a_wheel_for_this_machine_only_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels.stamps, "is_current", lambda name, value: True)
    with pytest.raises(Failure, match="works on this machine only"):
        wheels.check(tmp_path / "fairway-1.0-cp311-cp311-linux_x86_64.whl")


def test_changes_that_are_not_committed_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the tree holds changes"):
        wheels.check_reproducible(tmp_path / "fairway-1.0.dev1+g1.dirty-cp311-cp311-x.whl")
