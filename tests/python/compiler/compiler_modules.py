# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A module that carries a plan, and what the compiler's tests do with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

compiler = pytest.importorskip("fairway.compiler", exc_type=ImportError)
_runtime = pytest.importorskip("fairway._runtime", exc_type=ImportError)

# y = tanh(x) + 2 w, where 2 w is prepared; x is divided into tiles of 8.
PLANNED = """
module attributes {
  fairway.inputs = [{name = "x", dtype = "float32", shape = [64]}],
  fairway.outputs = [{name = "y", dtype = "float32", shape = [64]}],
  fairway.parameters = [{name = "w", dtype = "float32", shape = [64]}],
  fairway.constants = [{name = "w", dtype = "float32", shape = [64], prepared = 0 : i64}],
  fairway.run = {arena_bytes = 0 : i64, scratch_bytes = 0 : i64, steps = [
    {kernel = @add_0, buffers = [[1, 0, 0], [3, 0, 0], [2, 0, 0]], tiles = 8 : i64,
     flops = 64 : i64, bytes = 768 : i64}]},
  fairway.prepare = {arena_bytes = 0 : i64, scratch_bytes = 0 : i64, steps = [
    {kernel = @double_0, buffers = [[1, 0, 0], [2, 0, 0]], tiles = 1 : i64,
     flops = 64 : i64, bytes = 512 : i64}]}
} {
  func.func @add_0(%x: memref<64xf32>, %w: memref<64xf32>, %y: memref<64xf32>,
                   %scratch: memref<0xi8>, %worker: index, %workers: index)
      attributes {fairway.kernel = "add", fairway.num_outs = 1 : i64} {
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %0 = arith.muli %worker, %c8 : index
    %begin = arith.divui %0, %workers : index
    %1 = arith.addi %worker, %c1 : index
    %2 = arith.muli %1, %c8 : index
    %end = arith.divui %2, %workers : index
    scf.for %tile = %begin to %end step %c1 {
      %i = arith.muli %tile, %c8 : index
      %a = vector.load %x[%i] : memref<64xf32>, vector<8xf32>
      %b = vector.load %w[%i] : memref<64xf32>, vector<8xf32>
      %t = FUNCTION %a : vector<8xf32>
      %s = arith.addf %t, %b : vector<8xf32>
      vector.store %s, %y[%i] : memref<64xf32>, vector<8xf32>
    }
    return
  }
  func.func @double_0(%w: memref<64xf32>, %out: memref<64xf32>, %scratch: memref<0xi8>,
                      %worker: index, %workers: index)
      attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %first = arith.cmpi eq, %worker, %c0 : index
    scf.if %first {
      scf.for %i = %c0 to %c64 step %c1 {
        %a = memref.load %w[%i] : memref<64xf32>
        %b = arith.addf %a, %a : f32
        memref.store %b, %out[%i] : memref<64xf32>
      }
    }
    return
  }
}
"""


def planned(function: str = "math.tanh") -> str:
    """The module with a function that maps vectors of eight floats."""
    return PLANNED.replace("FUNCTION", function)


def linked(folder: Path, *objects: bytes) -> Path:
    """Links objects in `folder`."""
    paths: list[Path] = []
    for number, content in enumerate(objects):
        paths.append(folder / f"{number}.o")
        paths[-1].write_bytes(content)
    compiler.link_shared(paths, folder / "model.so")
    return folder / "model.so"


def run(library: Path, x: np.ndarray, w: np.ndarray, threads: int = 1) -> np.ndarray:
    """Runs the planned module."""
    model = _runtime.Model(str(library))
    if not model.has_weights:
        model.set_parameters([w])
        model.prepare(threads)
    return model.run([x], None, threads)[0]


def values() -> tuple[np.ndarray, np.ndarray]:
    """Random x and w."""
    generator = np.random.default_rng(0)
    return (
        generator.standard_normal(64).astype(np.float32),
        generator.standard_normal(64).astype(np.float32),
    )
