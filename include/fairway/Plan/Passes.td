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
    arena is alive are those that use it. In a sample of a model whose sizes
    stay open, the arena of `@main` is not laid out: `allocations` lists its
    parts as `[bytes, first meeting, last meeting]`, and buffers' index is theirs.
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect"];
}

def MergePlans : Pass<"fairway-merge-plans", "mlir::ModuleOp"> {
  let summary = "Make one plan for all sizes of those for a few";
  let description = [{
    For a module with merged kernels and the samples of a model whose sizes stay
    open: the samples' plans, in step, become one, and the samples go. Numbers
    that are not the same in all of them are listed in `fairway.varying`, each
    `[field, expression, index, part]` as in the artefact's ABI.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::memref::MemRefDialect"
  ];
}

#endif // FAIRWAY_PLAN_PASSES
