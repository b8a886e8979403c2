# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The locks: everything that a build, a test or a measurement installs is pinned by hash."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dev import debian, fetch, locks, resolve, system
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def _versions(group: str, python: str) -> dict[str, str]:
    """Returns what a group's lock installs for a Python, by name."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.1",
    }
    found: dict[str, str] = {}
    for pin in locks.read(locks.lock_file(group).read_text("utf-8")):
        if not pin.marker or Marker(pin.marker).evaluate(environment):
            assert pin.name not in found, f"{pin.name} is pinned twice for Python {python}"
            found[pin.name] = pin.version
    return found


def _wanted(lines: list[str], python: str) -> Iterator[Requirement]:
    for line in lines:
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if text:
            requirement = Requirement(text)
            environment = {**default_environment(), "python_version": python}
            if not requirement.marker or requirement.marker.evaluate(environment):
                yield requirement


def _unmet(lines: list[str], group: str, python: str) -> list[str]:
    pins = _versions(group, python)
    return [
        str(requirement)
        for requirement in _wanted(lines, python)
        if not requirement.specifier.contains(
            pins.get(locks.normalized(requirement.name), "0!0"), prereleases=True
        )
        or locks.normalized(requirement.name) not in pins
    ]


def _pyproject() -> dict[str, dict[str, list[str]]]:
    tomllib = pytest.importorskip("tomllib")
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("group", locks.groups())
def test_lock_holds_what_its_group_wants(group: str, python: str) -> None:
    lines = locks.wanted_file(group).read_text("utf-8").splitlines()
    assert _unmet(lines, group, python) == []


@pytest.mark.parametrize("group", locks.groups())
def test_every_pin_has_hashes(group: str) -> None:
    pins = locks.read(locks.lock_file(group).read_text("utf-8"))
    assert pins
    bad = [pin.name for pin in pins if not pin.hashes]
    bad += [pin.name for pin in pins for it in pin.hashes if not re.fullmatch("[0-9a-f]{64}", it)]
    assert bad == []


@pytest.mark.parametrize(
    ("marker", "kept"),
    [
        (resolve.ENVIRONMENT, ""),
        (f"python_version < '3' and {resolve.ENVIRONMENT}", "python_version < '3'"),
        (
            "implementation_name == 'cpython' and platform_machine == 'x86_64' and extra == 'x' "
            "and sys_platform == 'linux'",
            "extra == 'x'",
        ),
    ],
)
def test_locks_do_not_repeat_what_always_holds(marker: str, kept: str) -> None:
    text = resolve._finished("group", f"one==1 ; {marker} \\\n    --hash=sha256:00\n")
    (pin,) = locks.read(text)
    assert pin.marker == kept


def test_lock_that_pins_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="numpy>=1"):
        locks.read("numpy>=1 --hash=sha256:00\n")


@pytest.mark.parametrize("python", PYTHONS)
def test_groups_agree_on_versions(python: str) -> None:
    versions: dict[str, set[str]] = {}
    for group in locks.groups():
        for name, version in _versions(group, python).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("python", PYTHONS)
def test_what_pip_install_asks_for_is_locked(python: str) -> None:
    project = _pyproject()
    assert _unmet(project["build-system"]["requires"], "tools", python) == []
    assert _unmet(project["project"]["dependencies"], "test", python) == []


def test_tox_installs_only_from_locks() -> None:
    tox = (ROOT / "tox.ini").read_text("utf-8")
    blocks = re.findall(r"^deps =((?:\n  .*)*)", tox, re.M)
    lines = [line.strip() for block in blocks for line in block.split("\n") if line.strip()]
    files = [re.fullmatch(r"-r tools/dev/requirements/(\w+)\.txt", line) for line in lines]
    assert lines and all(files), lines
    assert {file[1] for file in files if file} <= set(locks.groups())


def test_locks_name_no_place_to_download_from() -> None:
    texts = [locks.lock_file(group).read_text("utf-8") for group in locks.groups()]
    texts += [debian.LOCK.read_text("utf-8"), (ROOT / "conan.lock").read_text("utf-8")]
    assert [line for text in texts for line in text.splitlines() if "://" in line] == []
    assert not [text for text in texts if re.search(r"--(extra-)?index-url|--find-links", text)]


def test_debian_packages_are_locked() -> None:
    pins = debian.pinned()
    asked = system.build_packages() + system.lint_packages()
    interpreter = {"python3-dev", "python3-venv"}  # only where Debian's own Python runs ./dev
    assert set(asked) - interpreter - set(pins) == set()
    assert [name for name, it in pins.items() if not re.fullmatch("[0-9a-f]{64}", it.sha256)] == []


def test_debian_lock_agrees_with_the_recipe() -> None:
    (version,) = re.findall(r'requires\("llvm/([^"]+)"', (ROOT / "conanfile.py").read_text("utf-8"))
    assert re.fullmatch(rf"1:{re.escape(version)}-.*", debian.pinned()["libmlir-22-dev"].version)


def test_recipes_are_locked() -> None:
    required = re.findall(r'requires\("([^"]+)"', (ROOT / "conanfile.py").read_text("utf-8"))
    pinned = json.loads((ROOT / "conan.lock").read_text("utf-8"))["requires"]
    assert {pin.split("#")[0] for pin in pinned} >= set(required)
    assert all(re.fullmatch(r".+#[0-9a-f]{32}", pin) for pin in pinned)


def test_torch_mlir_is_pinned_for_every_python() -> None:
    tags = {tag for _, tag, _ in fetch.torch_mlir_wheels()}
    assert {fetch.torch_mlir_tag(int(python.split(".")[1])) for python in PYTHONS} == tags
