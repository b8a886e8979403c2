# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The file of results and the page that is made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairway.bench import Comparison, Outcome, Settings
from fairway.bench.profiling import Peaks, make_profile
from fairway.bench.protocol import StepTimes
from fairway.bench.summary import summarize

pytest.importorskip("matplotlib")
page = pytest.importorskip("page")
results = pytest.importorskip("results")


def comparison(fast: float, threads: int = 1, with_profile: bool = True) -> dict[str, Any]:
    """Fairway at `fast` seconds, one peer at 2 ms, one that is missing."""
    steps = [StepTimes("matmul_0", 4, 10**7, 10**6, fast / 2), StepTimes("x", 1, 0, 0, 0.0)]
    return Comparison(
        threads,
        False,
        "PyTorch in float64",
        (
            Outcome("fairway", "Fairway 1", None, summarize([fast]), (fast,), 1e-6, True, 1.0, 1),
            Outcome("torch", "PyTorch 2", None, summarize([2e-3]), (2e-3,), 1e-6, True, 1.0, 1),
            Outcome("iree", reason="not installed"),
        ),
        make_profile(steps, Peaks(9e10, 2e10, 4e10, threads)) if with_profile else None,
    ).to_json()


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    found = results.Results(tmp_path / "results.json")
    found.begin(Settings(), quick=True)
    for threads, fast in ((1, 1e-3), (2, 4e-3)):
        found.add("networks", results.key("mlp", 1, threads), comparison(fast, threads))
        found.add("scaling", results.key("mlp", 1, threads), comparison(fast, threads, False))
    found.add("scaling", results.key("mlp", 4, 2), comparison(8e-3, 2, False))
    found.add("kernels", results.key("matmul 2x2x2", 1, 1), comparison(1e-3))
    found.add("costs", "mlp", cost())
    found.add("costs", "gpt2", {"failure": "no memory\nmore"})
    return results.Results(tmp_path / "results.json").data


def cost() -> dict[str, Any]:
    run = dict.fromkeys(
        ("weights_bytes", "arena_bytes", "scratch_bytes", "tensors_bytes", "rss_before_bytes"), 10
    )
    return {
        "weights_bytes": 10**6,
        "cold": {"tracing": 1.0, "decomposing": 0.5, "total": 4.0},
        "cached": {"tracing": 1.0, "total": 1.2},
        "export_stages": ["tracing", "decomposing"],
        "rss_before_bytes": 10**8,
        "rss_peak_bytes": 3 * 10**8,
        "rss_peak_with_importer_bytes": 4 * 10**8,
        "saving_bytes": 10**6,
        "kernels": 3,
        "run": {**run, "rss_peak_bytes": 10**7},
    }


def test_page_tells_what_was_measured(data: dict[str, Any], tmp_path: Path) -> None:
    page.write(data, tmp_path / "docs" / "performance.md")
    text = (tmp_path / "docs" / "performance.md").read_text()
    assert "| mlp | 1 (0) | 2 (0) | none | **2.00** | 1e-06 |" in text
    assert "| mlp | 4 (0) | 2 (0) | none | **0.50** | 1e-06 |" in text
    assert "at least as fast as the best peer on 1 of 1" in text
    assert "at least as fast as the best peer on 0 of 1" in text
    assert "| mlp | 4.0 | 1.5 | 0.2 | 3 | 1 | 200 | 300 | 1 |" in text
    assert "- gpt2: no memory\n" in text
    assert "- iree (mlp): not installed" in text
    assert "quick run" in text
    assert "| matmul_0 | 1 | 100.0% | 2000.0 | 4 | 5.0 | 0.5 | **6%** |" in text
    for chart in ("networks-b1-t1", "networks-b1-t2", "roofline-mlp", "scaling-batch"):
        assert f"images/{chart}.svg" in text
        assert (tmp_path / "docs" / "images" / f"{chart}.svg").exists()


def test_page_is_the_same_for_the_same_results(data: dict[str, Any], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        page.write(data, tmp_path / folder / "performance.md")
    for file in (tmp_path / "a").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_results_survive_and_know_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.Results(path).add("costs", "good", {"total": 1})
    results.Results(path).add("costs", "bad", {"failure": "x"})
    again = results.Results(path)
    assert again.has("costs", "good")
    assert not again.has("costs", "bad")
    assert not again.has("networks", "good")


def test_keys_can_be_taken_apart() -> None:
    assert results.parts_of(results.key("conv 3x3", 8, 2)) == ("conv 3x3", 8, 2)
