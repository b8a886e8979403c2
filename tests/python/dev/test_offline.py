# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nothing is installed that is not pinned, and nothing is asked of the network after fetching."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from dev import cli, environments, locks, offline, progress, system
from dev.failure import Failure

TOOLS = Path(__file__).resolve().parents[3] / "tools"


def _wheel(folder: Path, name: str, requires: str = "") -> Path:
    """Makes the smallest wheel that pip accepts."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", tags)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return path


def _pin(wheel: Path) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{wheel.name.split('-')[0]}==1.0 --hash=sha256:{digest}\n"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Two wheels that were fetched, of which one needs the other; pip only tries."""
    house = tmp_path / "a folder with spaces"
    house.mkdir()
    monkeypatch.setattr(progress, "WHEELHOUSE", house)
    monkeypatch.setattr(progress, "ROOT", tmp_path)
    monkeypatch.setattr(progress, "LOGS", tmp_path)
    monkeypatch.setattr(locks, "REQUIREMENTS", tmp_path)
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    return {"upper": _wheel(house, "upper", "lower"), "lower": _wheel(house, "lower")}


def _install(tmp_path: Path, text: str) -> str:
    """Installs a group with this lock; returns pip's words, also where it fails."""
    (tmp_path / "group.txt").write_text(text)
    try:
        environments.install(Path(sys.executable), "group")
    except Failure as failure:
        return f"{failure}\n{(tmp_path / 'install-group.log').read_text()}"
    return (tmp_path / "install-group.log").read_text()


def test_installs_what_is_locked(tmp_path: Path, wheels: dict[str, Path]) -> None:
    said = _install(tmp_path, _pin(wheels["upper"]) + _pin(wheels["lower"]))
    assert "Would install lower-1.0 upper-1.0" in said


def test_notices_a_package_that_the_lock_does_not_name(
    tmp_path: Path, wheels: dict[str, Path]
) -> None:
    said = _install(tmp_path, _pin(wheels["upper"]))
    assert "failed" in said and "lower" in said and "--require-hashes" in said


def test_notices_a_file_with_another_content(tmp_path: Path, wheels: dict[str, Path]) -> None:
    lock = _pin(wheels["upper"]) + _pin(wheels["lower"])
    with zipfile.ZipFile(wheels["lower"], "a") as archive:
        archive.writestr("extra.py", "")
    assert "DO NOT MATCH THE HASHES" in _install(tmp_path, lock)


def test_says_to_fetch_what_is_missing(tmp_path: Path, wheels: dict[str, Path]) -> None:
    lock = _pin(wheels["upper"]) + _pin(wheels["lower"])
    wheels["lower"].unlink()
    said = _install(tmp_path, lock)
    assert "lower" in said and "run ./dev fetch" in said


def _alone(script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script after it has cut itself off; skips where the system forbids that."""
    start = f"""
    import sys
    sys.path.insert(0, {str(TOOLS)!r})
    from dev.offline import cut_network
    if not cut_network():
        sys.exit(77)
    """
    text = textwrap.dedent(start) + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("the system lets nobody make a network namespace")
    return done


def test_cut_network_leaves_nothing_but_loopback() -> None:
    done = _alone("""
    import os, socket
    print([name for _, name in socket.if_nameindex()], os.geteuid())
    server = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(server.getsockname(), timeout=5).close()
    try:  # sends nothing, but asks for a route
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
    except OSError as error:
        print(error.strerror)
    """)
    assert done.returncode == 0, done.stderr
    interfaces, error = done.stdout.splitlines()
    assert interfaces == f"['lo'] {os.geteuid()}"
    assert error == "Network is unreachable"


def test_cut_network_holds_for_children() -> None:
    done = _alone("""
    import subprocess
    ask = "import socket; print(len(socket.if_nameindex()))"
    print(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout)
    """)
    assert done.stdout.strip() == "1", done.stderr


def test_where_it_cannot_be_cut_proxies_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidding:
        @staticmethod
        def unshare(flags: int) -> int:
            return -1

    for name in (*offline.REFUSING_PROXY, "no_proxy"):
        monkeypatch.setenv(name, "*")
    monkeypatch.setattr(offline.ctypes, "CDLL", lambda *_, **__: Forbidding)
    assert not offline.cut_network()
    values = progress.environment()
    assert values["https_proxy"] == "http://127.0.0.1:9" and "no_proxy" not in values


def test_only_fetching_may_ask_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)  # ./dev test has set it
    assert progress.environment()["PIP_NO_INDEX"] == "1"
    assert "PIP_NO_INDEX" not in progress.environment(network=True)


def test_offline_says_which_debian_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "missing_packages", lambda names: ["mlir-22-tools"])
    with pytest.raises(Failure, match="mlir-22-tools(.|\n)*run ./dev fetch"):
        cli._go_offline(["mlir-22-tools"])


def test_a_variable_can_be_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "some-compiler")
    assert progress.environment()["CXX"] == "some-compiler"
    changed = progress.environment({"CXX": None, "NEW": "1"})
    assert "CXX" not in changed and changed["NEW"] == "1"
