# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""./dev update: what it shows, and that it writes nothing by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from dev import debian, fetch, locks, resolve, update
from dev.debian import Revision
from dev.failure import Failure
from dev.update import Change

A, B = "a" * 64, "b" * 64


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One group of Python packages and one Debian package."""
    monkeypatch.setattr(locks, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(debian, "LOCK", tmp_path / "apt.lock")
    monkeypatch.setattr(update, "ROOT", tmp_path)
    monkeypatch.setattr(update.page, "write", lambda: None)
    (tmp_path / "group.in").write_text("one\n")
    (tmp_path / "group.txt").write_text(_lock(("one", "1.0", A), ("gone", "1.0", A)))
    (tmp_path / "apt.lock").write_text(debian.text({"lld-22": Revision("1:22.1.8-1", A)}))
    return tmp_path


def _lock(*pins: tuple[str, str, str]) -> str:
    return "".join(f"{name}=={version} \\\n    --hash=sha256:{it}\n" for name, version, it in pins)


def _resolved(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(resolve, "propose", lambda names, everything: {"group": text})


def test_shows_what_changes_and_writes_only_when_told(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tree / "group.txt").read_text()
    after = _lock(("one", "2.0", B), ("new", "1.0", B))
    _resolved(monkeypatch, after)
    proposal = update.propose(["One"])
    assert proposal.changes == [
        Change("gone", "1.0", "", "group"),
        Change("new", "", "1.0", "group"),
        Change("one", "1.0", "2.0", "group"),
    ]
    assert (tree / "group.txt").read_text() == before
    update.write(proposal)
    assert (tree / "group.txt").read_text() == after


def test_shows_other_files_under_the_same_version(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolved(monkeypatch, _lock(("one", "1.0", B), ("gone", "1.0", A)))
    assert update.propose(["one"]).changes == [
        Change("one", "1.0", "1.0 (other files or conditions)", "group")
    ]


def test_tells_the_pythons_apart(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = " ; python_full_version {} '3.11' --hash=sha256:" + A + "\n"
    text = "one==1.0" + marker.format("<") + "one==2.0" + marker.format(">=")
    _resolved(monkeypatch, text + _lock(("gone", "1.0", A)))
    (change,) = update.propose(["one"]).changes
    assert change.new == "1.0 (<3.11), 2.0 (>=3.11)"


def test_refuses_a_name_that_is_pinned_nowhere(tree: Path) -> None:
    with pytest.raises(Failure, match="no-such-thing"):
        update.propose(["one", "no-such-thing"])


def test_table_has_a_column_for_each_part() -> None:
    lines = update.table([Change("a-long-name", "1", "", "x"), Change("b", "", "2", "y")])
    assert lines.splitlines() == [
        "package      pinned  proposed  where",
        "a-long-name  1       -         x",
        "b            -       2         y",
    ]


def test_takes_over_a_debian_revision(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "offered", lambda names: {"lld-22": [Revision("1:22.1.8-2", B)]})
    proposal = update.propose(["lld-22"])
    assert proposal.changes == [Change("lld-22", "1:22.1.8-1", "1:22.1.8-2", "apt.lock")]
    update.write(proposal)
    assert debian.pinned() == {"lld-22": Revision("1:22.1.8-2", B)}


def test_installs_the_pinned_revision_while_it_can_be_had(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [Revision("1:22.1.8-2", B), Revision("1:22.1.8-1", A)]
    monkeypatch.setattr(debian, "offered", lambda names: {"lld-22": both, "git": both})
    assert debian.to_install(["lld-22", "git"]) == ["lld-22=1:22.1.8-1", "git"]
    monkeypatch.setattr(debian, "offered", lambda names: {"lld-22": both[:1]})
    assert debian.to_install(["lld-22"]) == ["lld-22"]


def test_refuses_another_file_under_a_pinned_revision(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "offered", lambda names: {"lld-22": [Revision("1:22.1.8-1", B)]})
    with pytest.raises(Failure, match="another content"):
        debian.to_install(["lld-22"])


def test_reports_an_installed_revision_that_is_not_the_pinned_one(tree: Path) -> None:
    assert debian.differences({"lld-22": "1:22.1.8-1"}) == []
    assert debian.differences({"lld-22": "1:22.1.8-2", "unpinned": "1"}) == [
        "lld-22 1:22.1.8-2 (pinned: 1:22.1.8-1)"
    ]


def test_moves_torch_mlir_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = fetch.torch_mlir_wheels()
    sums = {tag: f"{index}" * 64 for index, (_, tag, _) in enumerate(pins)}
    monkeypatch.setattr(update, "_newest_torch_mlir", lambda tag: ("20990101", sums[tag]))
    proposal = update.torch_mlir()
    assert [(it.name, it.new) for it in proposal.changes] == [("torch-mlir", "20990101")]
    assert {path.name for path in proposal.files} == {"conandata.yml", "config.yml", "conanfile.py"}
    assert all("20990101" in text and pins[0][0] not in text for text in proposal.files.values())
    data = proposal.files[fetch.TORCH_MLIR]
    assert all(f'"{tag}": "{it}"' in data for tag, it in sums.items())


def test_refuses_another_wheel_of_the_same_torch_mlir(monkeypatch: pytest.MonkeyPatch) -> None:
    version = fetch.torch_mlir_wheels()[0][0]
    monkeypatch.setattr(update, "_newest_torch_mlir", lambda tag: (version, B))
    with pytest.raises(Failure, match="another content"):
        update.torch_mlir()
