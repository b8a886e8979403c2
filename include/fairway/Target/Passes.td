//===- Passes.td - passes of the Target stage ---------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_TARGET_PASSES
#define FAIRWAY_TARGET_PASSES

include "mlir/Pass/PassBase.td"

def FairwayLowerMath : Pass<"fairway-lower-math"> {
  let summary = "Bring arith and math ops down to what processors have";
  let description = [{
    Rewrites scalar and vector arithmetic that LLVM would turn into calls of
    compiler support routines:

    - what computes in bf16 computes in f32 and rounds, each time;
    - extensions and truncations of bf16 become integer shifts, and truncations
      of f64 to a 16-bit float go through f32, as the frameworks do it;
    - `arith.ceildivsi`, `math.rsqrt`, `math.fpowi` and the like expand;
    - `math.fma` becomes a multiplication and an addition where the target has
      no such instruction (option `fma`), instead of a library call.

    Everything else in `math` stays for the conversion to LLVM, which calls the
    C library: the functions that vectorize are arithmetic since
    `fairway-expand-math`.

    ```mlir
    %1 = arith.truncf %0 : f64 to f16
    // becomes
    %1 = arith.truncf %0 : f64 to f32
    %2 = arith.truncf %1 : f32 to f16
    ```
  }];
  let options = [
    Option<"fma", "fma", "bool", /*default=*/"true",
           "The target multiplies and adds in one instruction">,
  ];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::vector::VectorDialect"];
}

def FairwayLowerVectors : Pass<"fairway-lower-vectors"> {
  let summary = "Lower vector ops to one-dimensional ones on contiguous rows";
  let description = [{
    Unrolls transfers, reductions, broadcasts, transposes, shape casts, masks and
    gathers until only one-dimensional `vector.load`, `vector.store`,
    `vector.maskedload`, `vector.maskedstore`, `vector.reduction` and shuffles
    are left, all of which are single LLVM instructions or intrinsics.

    ```mlir
    %0 = vector.transfer_read %m[%i, %j], %c : memref<8x16xf32>, vector<2x16xf32>
    // becomes
    %a = vector.load %m[%i, %j] : memref<8x16xf32>, vector<16xf32>
    %b = vector.load %m[%i1, %j] : memref<8x16xf32>, vector<16xf32>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect", "mlir::vector::VectorDialect",
                           "mlir::affine::AffineDialect"];
}

def FairwayConvertToLLVM : Pass<"fairway-convert-to-llvm", "mlir::ModuleOp"> {
  let summary = "Convert kernels to the LLVM dialect with bare pointers";
  let description = [{
    One dialect conversion over arith, cf, func, math, memref, ub and vector.
    A kernel's memref argument of static shape becomes one bare pointer; floating
    point reductions may reassociate. Math functions that neither the processor
    nor LLVM knows become scalar calls of the C math library.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect",
                           "mlir::func::FuncDialect", "mlir::vector::VectorDialect"];
}

def FairwayAnnotateKernels : Pass<"fairway-annotate-kernels", "mlir::ModuleOp"> {
  let summary = "State what the plan guarantees of a kernel's arguments";
  let description = [{
    Marks the buffers of each function with a `fairway.kernel` attribute for LLVM:
    `nonnull`, `noundef` and `dereferenceable`, and `noalias` unless it overlaps
    another argument in some step of the module's plans (`fairway.run` and
    `fairway.prepare`). Two overlapping arguments that are both only read keep
    `noalias`; what is written are the last `fairway.num_outs` buffers, or any
    where that attribute is missing. A function that no plan uses gets no
    `noalias`.

    Alignment is not stated: inputs and outputs of the model are the caller's
    memory, and unaligned vector accesses of aligned memory cost nothing.

    ```mlir
    func.func @k(%a: memref<4xf32>, %out: memref<4xf32>, ...)
    // becomes
    func.func @k(%a: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.noalias,
                                    llvm.nonnull, llvm.noundef}, ...)
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def FairwayWrapKernels : Pass<"fairway-wrap-kernels", "mlir::ModuleOp"> {
  let summary = "Give each kernel the artefact's calling convention";
  let description = [{
    Renames the kernel `@k(%b0: !llvm.ptr, ..., %scratch, %worker, %workers)` to
    `@k.body` and adds the function that the plan points to:

    ```mlir
    llvm.func hidden @k(%buffers: !llvm.ptr, %scratch: !llvm.ptr,
                        %worker: i64, %workers: i64) {
      %0 = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
      ...
      llvm.call @k.body(%0, ..., %scratch, %worker, %workers)
    ```

    The body stays a function of its own: LLVM makes more of `noalias` on an
    argument than of what inlining leaves of it. All other functions with a body
    become internal: the wrappers, hidden, are where objects meet.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

#endif // FAIRWAY_TARGET_PASSES
