//===- Passes.td - passes of the Kernel stage -----------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_PASSES
#define FAIRWAY_KERNEL_PASSES

include "mlir/Pass/PassBase.td"

def FillBorders : Pass<"fairway-fill-borders", "mlir::func::FuncOp"> {
  let summary = "Write padded results in place and fill only their border";
  let description = [{
    A kernel that inserts its result into a filled destination (a halo for the
    convolution behind it) fills what surrounds the result instead of
    everything, and computes the result where it belongs instead of copying it.

    ```mlir
    %fill = linalg.fill ins(%zero) outs(%out : tensor<9x10xf32>)
    %x = linalg.generic ... outs(%empty : tensor<8x10xf32>)
    %0 = tensor.insert_slice %x into %fill[1, 0] [8, 10] [1, 1]
    // becomes
    %border = tensor.extract_slice %out[0, 0] [1, 10] [1, 1]
    %zeros = linalg.fill ins(%zero) outs(%border : tensor<1x10xf32>)
    %1 = tensor.insert_slice %zeros into %out[0, 0] [1, 10] [1, 1]
    %slice = tensor.extract_slice %1[1, 0] [8, 10] [1, 1]
    %x = linalg.generic ... outs(%slice : tensor<8x10xf32>)
    %0 = tensor.insert_slice %x into %1[1, 0] [8, 10] [1, 1]
    ```
  }];
  let statistics = [
    Statistic<"filled", "filled", "fills reduced to the border">,
    Statistic<"inPlace", "in-place", "results computed where they are inserted">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def TileKernels : Pass<"fairway-tile-kernels", "mlir::func::FuncOp"> {
  let summary = "Turn each kernel into one loop over independent tiles";
  let description = [{
    Tiles the last op of each kernel (functions with `fairway.kernel`) over its
    parallel loops into a top-level `scf.forall` and computes everything that
    it needs inside, tile by tile. Sizes come from a cost model: what a tile
    touches fits a core's cache, expensive work is done once, and the work
    is even among `threads` workers. Where it costs next to nothing there are
    enough tiles for more workers than that, too. A kernel that is too small, or whose form
    tiling does not handle, is left whole. A kernel that already has a
    `fairway.config` with a `tile` keeps it; others get what was chosen.

    ```mlir
    %0 = linalg.generic (contraction) outs(%empty)
    %1 = linalg.generic (bias, activation) ins(%0) outs(%out)
    // becomes
    %1 = scf.forall (%m, %n) = (0, 0) to (128, 48) step (64, 3)
        shared_outs(%o = %out) {
      %a = linalg.generic (contraction) outs(%tile)
      %b = linalg.generic (bias, activation) ins(%a) outs(%slice of %o)
      scf.forall.in_parallel { tensor.parallel_insert_slice %b into %o }
    }
    ```
  }];
  let options = [
    Option<"machine", "machine", "::fairway::MachineDescription",
           "::fairway::MachineDescription()",
           "What the cost model knows of the machine.">,
    Option<"threads", "threads", "unsigned", "8",
           "How many workers a kernel will usually be divided among.">,
  ];
  let statistics = [
    Statistic<"tiled", "tiled", "ops tiled with their producers">,
    Statistic<"serial", "serial", "kernels left whole">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "fairway::FairwayDialect",
    "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect"
  ];
}

def BlockRows : Pass<"fairway-block-rows", "mlir::func::FuncOp"> {
  let summary = "Compute tiles with two contractions in blocks of rows";
  let description = [{
    A tile of attention reads each score several times. Blocks of its rows are
    so small that their scores stay in the nearest cache, and what all rows
    share (keys and values in panels) is computed once for the tile, before the
    loop. Where the rows are no multiple of a block, the last block begins
    earlier and computes a few rows again. A transformed image (see
    `TableSum.h`) is read by one panel of weights after the other, the sums of
    which are transformed back at once: there a block is a panel.

    ```mlir
    scf.forall (%h) in (12) {
      %k = transpose of the keys
      %s = linalg.generic (scores of 128 rows)
      ...
    // becomes
    scf.forall (%h) in (12) {
      %k = transpose of the keys
      scf.for %q = 0 to 128 step 32 {
        %s = linalg.generic (scores of 32 rows)
    ```
  }];
  let options = [
    Option<"machine", "machine", "::fairway::MachineDescription",
           "::fairway::MachineDescription()",
           "Its caches say how large a block may be.">
  ];
  let statistics = [
    Statistic<"blocked", "blocked", "Number of tiles cut into blocks">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect"
  ];
}

def PadScratch : Pass<"fairway-pad-scratch", "mlir::func::FuncOp"> {
  let summary = "Keep the rows of a kernel's own values in different cache sets";
  let description = [{
    A contraction reads a panel of transposed keys column by column of its
    rows. Rows that are a multiple of 512 bytes apart meet in a few sets of the
    cache and evict each other; a cache line more between them spreads them out.

    ```mlir
    %k = tensor.empty() : tensor<64x4096xf32>
    // becomes
    %longer = tensor.empty() : tensor<64x4112xf32>
    %k = tensor.extract_slice %longer[0, 0] [64, 4096] [1, 1]
    ```
    Values that something else than an op's result is written to stay. The 16
    places of transformed blocks are written together: they get as much between
    them as brings them to different sets.
  }];
  let statistics = [
    Statistic<"padded", "padded", "Number of values with longer rows">
  ];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def OrderProducers : Pass<"fairway-order-producers", "mlir::func::FuncOp"> {
  let summary = "Compute a contraction right before what reads it";
  let description = [{
    Tensors leave open in which order a kernel computes what it needs. Ops that
    become neighbours can share one loop nest, so in each block producers come
    right before the op that reads them, the one with the most iterations last
    and initial values after all.

    ```mlir
    %e = exponentials
    %o = linalg.generic (contraction) ins(%e, %v)
    %sum = linalg.generic (sum) ins(%e)
    %y = linalg.generic (division) ins(%o, %sum)
    // becomes
    %e = exponentials
    %sum = linalg.generic (sum) ins(%e)
    %o = linalg.generic (contraction) ins(%e, %v)
    %y = linalg.generic (division) ins(%o, %sum)
    ```

    The division is the contraction's epilogue now, and its result goes straight
    to where the kernel's goes.
  }];
}

def BufferizeKernels : Pass<"fairway-bufferize", "mlir::ModuleOp"> {
  let summary = "Turn tensors into memory; kernels write their destinations";
  let description = [{
    One-shot bufferization of the whole module with plain layouts at function
    boundaries. Kernels lose their results: result i is what destination i (of
    the last `fairway.num_outs` arguments) holds after the call. Other
    arguments are never written.

    ```mlir
    %1 = func.call @k(%x, %empty) : (tensor<..>, tensor<..>) -> tensor<..>
    // becomes
    func.call @k(%x, %buffer) : (memref<..>, memref<..>) -> ()
    ```
  }];
  let statistics = [
    Statistic<"copies", "copies", "results copied to their destination">
  ];
  let dependentDialects = [
    "mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect"
  ];
}

def LowerGenerics : Pass<"fairway-lower-generics", "mlir::func::FuncOp"> {
  let summary = "Lower linalg on memrefs to loops of vector code";
  let description = [{
    The micro-kernel emitter. Each `linalg.generic` (named ops, fills and
    copies are generalized first) becomes `scf.for` loops around straight
    vector code, shaped by a plan:

    - one *vector loop*: its iterations become lanes. Operands that walk memory
      element by element along it are vector loads, those that do not move are
      broadcast, all others are collected lane by lane. A reduction may be the
      vector loop too; its lanes are then combined at the end.
    - one *row loop* that is unrolled over registers, so that what the vectors
      hold (a contraction's weights) is loaded once for several rows.
    - a sum with the factors of a constant table (see `TableSum.h`) is no loop
      at all: each element is loaded once and added where its factor is not zero.
    - reductions innermost, with all accumulators carried in registers. Long
      ones are cut around panels of weights, so that a piece stays in a cache;
      the next panel and an epilogue's residual are prefetched.

    Lengths that no vector divides end in narrower vectors and, where they are
    not known, in scalar code. Bodies keep their meaning; only multiplications
    and additions may contract and reductions may associate anew. What a
    kernel's `fairway.config` says of rows, vectors, pieces and prefetching goes
    before the plan's own choice; afterwards it tells what was done.

    ```mlir
    // C[m, n] += A[m, k] * B[k, n] becomes
    scf.for %m = 0 to %M step 6 {
      scf.for %k = ... iter_args(%c00 = ..., %c01 = ..., ...) {
        %b0 = vector.load %B[%k, %n] : vector<8xf32>
        %a0 = vector.broadcast (memref.load %A[%m, %k]) : vector<8xf32>
        %c = arith.addf %c00, (arith.mulf %a0, %b0 fastmath<contract>)
    ```
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "unsigned", "256",
           "Bits of one vector register.">,
    Option<"registers", "registers", "unsigned", "16",
           "Number of vector registers.">,
  ];
  let statistics = [Statistic<"lowered", "lowered", "generics lowered">];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "fairway::FairwayDialect", "mlir::LLVM::LLVMDialect",
    "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

def ExpandMath : Pass<"fairway-expand-math", "mlir::func::FuncOp"> {
  let summary = "Turn math functions into arithmetic that vectorizes";
  let description = [{
    Single-precision exponentials, logarithms, powers, tanh, erf, sin and cos,
    `1 / (1 + exp(-x))` and both forms of GELU become multiplications and
    additions without branches (lib/Kernel/Math), at most 2 ulp from the exact
    value (GELU only for positive x). Half precision and bfloat16 go through
    single. `rsqrt` becomes a division, powers
    with small constant exponents products, and conversions from and to bfloat16
    integer arithmetic. Double precision and rare functions stay scalar: they
    become calls of the C library. Maxima and minima keep NaN but no longer tell
    one zero from the other.

    ```mlir
    %1 = math.exp2 %0 : vector<8xf32>
    // becomes
    %k = math.fma %bounded, %half, %round : vector<8xf32>
    ...
    %1 = arith.mulf %scaled, %power : vector<8xf32>
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::math::MathDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

def GuardDivisions : Pass<"fairway-guard-divisions", "mlir::func::FuncOp"> {
  let summary = "Divide whole numbers by nothing that the processor traps on";
  let description = [{
    A division of data by zero, or of the least number by minus one, would end
    the process. Zero divides into zero with nothing left, as in NumPy, and the
    least number by minus one wraps to itself.

    ```mlir
    %q = arith.divui %x, %y : i32
    // becomes
    %is_zero = arith.cmpi eq, %y, %c0 : i32
    %safe = arith.select %is_zero, %c1, %y : i32
    %d = arith.divui %x, %safe : i32
    %q = arith.select %is_zero, %c0, %d : i32
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def MergeSamples : Pass<"fairway-merge-samples", "mlir::ModuleOp"> {
  let summary = "Make one kernel for all sizes of those for a few";
  let description = [{
    For a module that holds the samples of a model whose sizes stay open: the
    same kernel of each sample, in step, becomes one in the module itself. A
    number that is not the same in all samples is a polynomial of the sizes
    (`fairway.expressions`, as `[[coefficient, powers...], ...]` each), loaded
    from the kernel's new first argument. `fairway.scratch` are the expressions
    of which the largest is the scratch memory. A kernel that is the same in all
    samples has no such argument. A number that is no polynomial of the sizes,
    or a negative one within their ranges, is an error at the user's operation.

    ```mlir
    // sample 1, of batch 1009:              another, of batch 1082:
    func.func @k(%x: memref<1009x4xf32>)     func.func @k(%x: memref<1082x4xf32>)
      scf.forall (%i) = (0) to (1009)          scf.forall (%i) = (0) to (1082)
    // become
    func.func @k(%sizes: memref<0xi64> {fairway.sizes}, %data: memref<0xf32>)
      %batch = memref.load %sizes[%c0]
      %x = memref.reinterpret_cast %data to offset: [0], sizes: [%batch, 4]
      scf.forall (%i) = (0) to (%batch)
    ```
  }];
  let statistics = [
    Statistic<"numMerged", "merged", "Number of kernels">
  ];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::memref::MemRefDialect"
  ];
}

def AssignScratch : Pass<"fairway-assign-scratch", "mlir::ModuleOp"> {
  let summary = "Turn a kernel's allocations into views of one buffer";
  let description = [{
    Each kernel gets an argument `memref<Sxi8>` behind its others, private to a
    worker, and every `memref.alloc` in it becomes a `memref.view` at an
    aligned offset. Sizes that are not constant take room for their upper
    bound; in a kernel of open sizes `fairway.bound` names the expression that
    it is. `fairway.scratch_bytes` holds S. Calls of the kernel get an
    allocation marked `fairway.scratch`.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::memref::MemRefDialect"
  ];
}

def PartitionKernels : Pass<"fairway-partition-kernels", "mlir::ModuleOp"> {
  let summary = "Give each worker its share of a kernel's tiles";
  let description = [{
    Appends `%worker: index, %workers: index` to each kernel and turns its
    top-level `scf.forall` into a serial loop over the worker's contiguous
    share of the linearized tiles. A kernel without tiles runs on worker 0.
    `fairway.tiles` holds the number of tiles. Calls pass worker 0 of 1.

    ```mlir
    scf.forall (%i, %j) = (0, 0) to (128, 48) step (64, 3) { ... }
    // becomes, with 2 * 16 tiles
    scf.for %t = %worker * 32 / %workers to (%worker + 1) * 32 / %workers {
      %i = %t / 16 * 64, %j = %t % 16 * 3
      ...
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::scf::SCFDialect"
  ];
}

#endif // FAIRWAY_KERNEL_PASSES
