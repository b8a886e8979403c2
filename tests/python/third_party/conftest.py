# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Conan on a copy of the recipes whose upstreams are small repositories of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RECIPES = ROOT / "third_party" / "recipes"
CONAN = ROOT / ".venv" / "bin" / "conan"

sys.path.insert(0, str(Path(__file__).parent))


class Workplace:
    """A home of Conan, a copy of the recipes, and a mirror of upstream repositories."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.index = folder / "index"
        self.mirror = folder / "mirror"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.mirror.mkdir()
        shutil.copytree(RECIPES, self.index / "recipes")
        tools = [str(self.programs), str(CONAN.parent), os.environ["PATH"]]
        self.environment = os.environ | {
            "CONAN_HOME": str(folder / "conan"),
            "PATH": os.pathsep.join(tools),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
        }
        shutil.copytree(home, folder / "conan")
        remotes = folder / "conan" / "remotes.json"
        text = remotes.read_text("utf-8").replace(str(RECIPES.parent), str(self.index))
        remotes.write_text(text, "utf-8")

    def conan(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs Conan; both of its streams come in `stdout`."""
        return subprocess.run(
            [str(CONAN), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=self.folder,
        )

    def install(self, reference: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Builds a recipe of the copy, with the mirror in the place of upstream."""
        return self.conan(
            *("install", f"--requires={reference}", "--build=missing", "--format=json"),
            *(f"--out-file={self.folder / 'graph.json'}",),
            *("-c", f"user.fairway:git_mirror=file://{self.mirror}"),
            *arguments,
        )

    def git(self, *arguments: str, repository: str) -> str:
        """Runs git in an upstream repository and returns what it printed."""
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        allow = ("-c", "protocol.file.allow=always")
        return subprocess.run(
            ["git", *identity, *allow, *arguments],
            cwd=self.mirror / repository,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def upstream(self, repository: str, files: dict[str, str]) -> str:
        """Makes a repository below the mirror and returns its revision."""
        folder = self.mirror / repository
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        self.git("init", "--quiet", repository=repository)
        return self.commit(repository)

    def commit(self, repository: str) -> str:
        """Commits everything and returns the revision."""
        self.git("add", "--all", repository=repository)
        self.git("commit", "--quiet", "--message=test", repository=repository)
        return self.git("rev-parse", "HEAD", repository=repository)

    def pin(self, recipe: str, revision: str, *, more: str = "") -> None:
        """Puts another revision into the copied recipe, and `more` at the end of its data."""
        data = self.index / "recipes" / recipe / "all" / "conandata.yml"
        text, count = re.subn(r'(?<=revision: )"\w+"', f'"{revision}"', data.read_text("utf-8"))
        assert count == 1
        data.write_text(text + more, "utf-8")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Conan, to be copied, that knows no remote but the recipes."""
    if not CONAN.exists() or not shutil.which("git"):
        pytest.skip("needs the tools of ./dev and git")
    folder = tmp_path_factory.mktemp("conan")
    environment = os.environ | {"CONAN_HOME": str(folder)}
    for step in ("profile detect", "remote disable *", "remote add index"):
        command = [str(CONAN), *step.split()]
        command += [str(RECIPES.parent)] if step.endswith("index") else []
        subprocess.run(command, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture
def workplace(tmp_path: Path, home: Path) -> Workplace:
    return Workplace(tmp_path, home)


@pytest.fixture
def package(workplace: Workplace) -> Callable[[str], Path]:
    """Tells where the package of a recipe lies after `install`."""

    def where(name: str) -> Path:
        graph = json.loads((workplace.folder / "graph.json").read_text("utf-8"))["graph"]
        (found,) = [node for node in graph["nodes"].values() if node["name"] == name]
        return Path(found["package_folder"])

    return where
