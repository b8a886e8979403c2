# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling leaves the compiler's code on disk, not in the process."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
from pathlib import Path
from fairway import compiler
from fairway.code_pages import release_code
from fairway.identity import native_libraries

def resident():
    total, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        fields = line.split()
        if "-" in fields[0]:
            counts = fields[1] == "r-xp" and fields[-1].endswith("libFairwayCAPI.so")
        elif fields[0] == "Rss:" and counts:
            total += int(fields[1])
    return total

text = "func.func @main(%a: tensor<4xf32> {fairway.name = \\"a\\", fairway.kind = \\"input\\"," \\
    " fairway.dtype = \\"float32\\"}) -> (tensor<4xf32> {fairway.name = \\"b\\"," \\
    " fairway.dtype = \\"float32\\"}) { return %a : tensor<4xf32> }"
options = compiler.CompileOptions(compiler.host_triple(), *compiler.host_cpu())
first = compiler.compile_to_object(text, options)
before = resident()
release_code([Path("nowhere.so"), *native_libraries()])
after = resident()
assert after < before / 4, (before, after)
assert compiler.compile_to_object(text, options) == first
"""


def test_released_code_goes_and_comes_back() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
