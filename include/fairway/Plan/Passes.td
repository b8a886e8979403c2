//===- Passes.td - passes of the Plan stage --------------------*- tablegen -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_PLAN_PASSES
#define FAIRWAY_PLAN_PASSES

include "mlir/Pass/PassBase.td"

def BuildPlan : Pass<"fairway-build-plan", "mlir::ModuleOp"> {
  let summary = "Turn @main and @prepare into plans";
  let description = [{
    A plan is data: the steps in order, each a kernel with the places of its
    buffers, and whether the workers must meet before it. Buffers share one
    arena by liveness; a returned buffer is the caller's own.

    ```mlir
    func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
      %a = memref.alloc() : memref<4xf32>
      call @k(%x, %a) : (memref<4xf32>, memref<4xf32>) -> ()
      return %a : memref<4xf32>
    }
    ```
    becomes the module attribute
    ```mlir
    fairway.run = { arena_bytes = 0, scratch_bytes = 0, steps = [
      { kernel = @k, buffers = [[1, 0, 0, 16, 0, 0, 0], [2, 0, 0, 16, 1, 0, 0]],
        barrier = false, tiles = 1, flops = 0, bytes = 32, dimensions = [] } ] }
    ```
    Each buffer is `[space, index, byte offset, bytes, written, first step, last
    step]` as in the artefact's ABI. The steps between which a buffer of the
    arena is alive are those that use it.
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect"];
}

#endif // FAIRWAY_PLAN_PASSES
