# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The file of results: written after every measurement, read to make the page."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fairway.bench import Settings
from fairway.bench.machine import describe

__all__ = ["Results", "key", "parts_of"]


class Results:
    """What was measured, by part and name.

    Args:
        path: The file; read if it is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.data: dict[str, Any] = {}
        if path.exists():
            self.data = json.loads(path.read_text(encoding="utf-8"))

    def begin(self, settings: Settings, quick: bool) -> None:
        """Notes what this run measures on and how."""
        import fairway

        self.data["machine"] = asdict(describe())
        self.data["settings"] = asdict(settings)
        self.data["quick"] = quick
        self.data["fairway"] = fairway.__version__
        self.data["date"] = datetime.date.today().isoformat()

    def has(self, part: str, name: str) -> bool:
        """Whether there is a measurement that did not fail."""
        found = self.data.get(part, {}).get(name)
        return found is not None and "failure" not in found

    def add(self, part: str, name: str, value: dict[str, Any]) -> None:
        """Keeps one measurement, on disk too."""
        self.data.setdefault(part, {})[name] = value
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")
        draft.replace(self._path)


def key(name: str, batch: int, threads: int) -> str:
    """The name of a measurement."""
    return f"{name}/b{batch}/t{threads}"


def parts_of(text: str) -> tuple[str, int, int]:
    """The name, batch and threads that `key` put together."""
    name, batch, threads = text.split("/")
    return name, int(batch[1:]), int(threads[1:])
