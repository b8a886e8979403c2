# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A revision arrives as it was pinned or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REFERENCE = "stablehlo/llvm-22"
REPOSITORY = "openxla/stablehlo"
FILES = {"LICENSE": "Apache License", "stablehlo/a.txt": "first\n"}


def test_pinned_revision_arrives_without_its_history(
    workplace: Any, package: Callable[[str], Path]
) -> None:
    pinned = workplace.upstream(REPOSITORY, FILES)
    (workplace.mirror / REPOSITORY / "stablehlo/a.txt").write_text("second\n")
    assert workplace.commit(REPOSITORY) != pinned
    workplace.pin("stablehlo", pinned)
    done = workplace.install(REFERENCE)
    assert done.returncode == 0, done.stdout
    files = package("stablehlo") / "src"
    assert (files / "stablehlo/a.txt").read_text() == "first\n"
    assert not (files / ".git").exists()


def test_missing_revision_tells_where_to_put_it(workplace: Any) -> None:
    workplace.upstream(REPOSITORY, FILES)
    workplace.pin("stablehlo", "0123456789" * 4)
    done = workplace.install(REFERENCE)
    assert done.returncode != 0
    assert "revision 0123456789" in done.stdout
    assert "cannot be fetched from file://" in done.stdout
    assert "user.fairway:git_mirror=ADDRESS" in done.stdout


def test_what_came_must_be_the_pin_itself(workplace: Any) -> None:
    """A tag has a hash of its own, and what it names can be fetched by it."""
    workplace.upstream(REPOSITORY, FILES)
    workplace.git("tag", "--annotate", "--message=v1", "v1", repository=REPOSITORY)
    tag = workplace.git("rev-parse", "v1", repository=REPOSITORY)
    workplace.pin("stablehlo", tag)
    done = workplace.install(REFERENCE)
    assert done.returncode != 0
    assert f"the pin says {tag}" in done.stdout


def test_altered_content_under_a_pinned_revision_is_refused(workplace: Any) -> None:
    pinned = workplace.upstream(REPOSITORY, FILES)
    blob = workplace.git("rev-parse", "HEAD:stablehlo/a.txt", repository=REPOSITORY)
    objects = workplace.mirror / REPOSITORY / ".git/objects"
    other = workplace.git("rev-parse", "HEAD:LICENSE", repository=REPOSITORY)
    target = objects / blob[:2] / blob[2:]
    target.chmod(0o644)
    target.write_bytes((objects / other[:2] / other[2:]).read_bytes())
    workplace.pin("stablehlo", pinned)
    done = workplace.install(REFERENCE)
    assert done.returncode != 0
    assert "ERROR" in done.stdout and pinned in done.stdout


@pytest.mark.parametrize("revision", ["main", "127d2f238"])
def test_names_and_short_revisions_are_no_pins(workplace: Any, revision: str) -> None:
    workplace.pin("stablehlo", revision)
    done = workplace.install(REFERENCE)
    assert done.returncode != 0
    assert f"'{revision}' is no full revision" in done.stdout
