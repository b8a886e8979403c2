# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The inner loop of a matrix product, as the disassembler shows it.

A register tile is right when its loop holds nothing but the multiply-adds, one
broadcast for each row, the vectors of weights and the loop's own counting: any
access to the stack would be a spilled accumulator.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairway import compiler

OBJDUMP = shutil.which("llvm-objdump-22") or shutil.which(
    "llvm-objdump", path="/usr/lib/llvm-22/bin"
)

pytestmark = pytest.mark.skipif(OBJDUMP is None, reason="llvm-objdump is not installed")

MATMUL = """
func.func @main(
    %x: tensor<{m}x{k}xf32> {{fairway.name = "x", fairway.kind = "input", fairway.dtype = "float32"}},
    %w: tensor<{k}x{n}xf32> {{fairway.name = "w", fairway.kind = "parameter", fairway.dtype = "float32"}})
    -> (tensor<{m}x{n}xf32> {{fairway.name = "y", fairway.dtype = "float32"}}) {{
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<{m}x{n}xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  %y = linalg.matmul ins(%x, %w : tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>)
      outs(%fill : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  return %y : tensor<{m}x{n}xf32>
}}
"""  # noqa: E501 (attributes stay on their line)


@dataclass(frozen=True)
class Unit:
    """A processor's vector unit and the register tile that it should get.

    Attributes:
        triple: LLVM's name of the platform.
        cpu: LLVM's name of the processor.
        multiply_add: How its multiply-add on vectors of single precision looks.
        stack: How an access to the stack looks.
        rows: Rows of the register tile.
    """

    triple: str
    cpu: str
    multiply_add: str
    stack: str
    rows: int

    @property
    def multiply_adds(self) -> int:
        """Two vectors for each row."""
        return 2 * self.rows


X86 = "x86_64-unknown-linux-gnu"
UNITS = {
    "avx2": Unit(X86, "x86-64-v3", r"vfmadd\d+ps\b.*%ymm", r"\(%rsp", 6),
    "avx512": Unit(X86, "x86-64-v4", r"vfmadd\d+ps\b.*%zmm", r"\(%rsp", 8),
    "neon": Unit("aarch64-unknown-linux-gnu", "generic", r"fmla\s+v\d+\.4s", r"\[sp\b", 12),
}


def inner_loops(code: bytes, folder: Path) -> list[list[str]]:
    """Disassembles objects and gives the innermost loops, each a list of instructions."""
    path = folder / "code.a"
    path.write_bytes(code)
    listing = subprocess.run(
        [str(OBJDUMP), "-d", "--no-show-raw-insn", str(path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    loops: list[list[str]] = []
    for function in listing.split("\n\n"):
        lines = re.findall(r"^\s*([0-9a-f]+):\s+(.*)$", function, re.MULTILINE)
        at = {int(address, 16): index for index, (address, _) in enumerate(lines)}
        texts = [text for _, text in lines]
        spans: list[tuple[int, int]] = []
        for index, text in enumerate(texts):
            jump = re.match(r"(?:j[a-z]+|b\.[a-z]+|cbn?z|tbn?z)\s.*?0x([0-9a-f]+) <", text)
            target = at.get(int(jump[1], 16)) if jump else None
            if target is not None and target <= index:
                spans.append((target, index))
        for first, last in spans:
            if not any((first, last) != (a, b) and first <= a and b <= last for a, b in spans):
                loops.append(texts[first : last + 1])
    return loops


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("k", [96, 768], ids=["whole sums", "sums in pieces"])
def test_inner_loop_keeps_its_tile_in_registers(name: str, k: int, tmp_path: Path) -> None:
    unit = UNITS[name]
    options = compiler.CompileOptions(triple=unit.triple, cpu=unit.cpu, features="")
    rows = 4 * unit.rows  # whole tiles only
    code = compiler.compile_to_object(MATMUL.format(m=rows, k=k, n=256), options)
    loops = inner_loops(code, tmp_path)
    counts = [sum(bool(re.match(unit.multiply_add, text)) for text in loop) for loop in loops]
    most = max(counts)
    hot = loops[counts.index(most)]
    listing = "\n".join(hot)
    assert most % unit.multiply_adds == 0, listing
    steps = most // unit.multiply_adds  # LLVM may unroll
    assert steps >= 1, listing
    assert not re.search(unit.stack, listing), listing
    if unit.triple == X86:
        broadcasts = sum(text.startswith("vbroadcastss") for text in hot)
        assert broadcasts == unit.rows * steps, listing
        weights = sum(text.startswith("vmovup") for text in hot)
        assert weights == 2 * steps, listing
