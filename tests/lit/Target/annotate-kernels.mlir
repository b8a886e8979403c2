// RUN: fairway-opt --fairway-annotate-kernels --split-input-file --verify-diagnostics %s | FileCheck %s

module attributes {fairway.run = {arena_bytes = 128 : i64, scratch_bytes = 0 : i64, steps = [
  // @apart: nothing overlaps. @in_place: the second argument is the output.
  // @twice: one buffer read twice. @shifted: the output begins inside of the input.
  {kernel = @apart, buffers = [[0, 0, 0], [0, 0, 16]]},
  {kernel = @in_place, buffers = [[0, 0, 16], [0, 0, 16]]},
  {kernel = @twice, buffers = [[1, 0, 0], [1, 0, 0], [2, 0, 0]]},
  {kernel = @shifted, buffers = [[0, 0, 0], [0, 0, 8]]}]}} {

// CHECK-LABEL: func.func @apart
// CHECK-SAME: %{{[^:]*}}: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.noalias, llvm.nonnull, llvm.noundef}
// CHECK-SAME: %{{[^:]*}}: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.noalias
// CHECK-SAME: memref<8xi8> {llvm.noalias}
func.func @apart(%a: memref<4xf32>, %out: memref<4xf32>, %scratch: memref<8xi8>,
                 %worker: index, %workers: index)
    attributes {fairway.kernel = "k", fairway.num_outs = 1 : i64} {
  return
}

// CHECK-LABEL: func.func @in_place
// CHECK-SAME: %{{[^:]*}}: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.nonnull, llvm.noundef}
// CHECK-SAME: %{{[^:]*}}: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.nonnull, llvm.noundef}
func.func @in_place(%a: memref<4xf32>, %out: memref<4xf32>, %scratch: memref<8xi8>,
                    %worker: index, %workers: index)
    attributes {fairway.kernel = "k", fairway.num_outs = 1 : i64} {
  return
}

// CHECK-LABEL: func.func @twice
// CHECK-SAME: memref<4xf32> {{{[^}]*}}llvm.noalias
// CHECK-SAME: memref<4xf32> {{{[^}]*}}llvm.noalias
// CHECK-SAME: memref<4xf32> {{{[^}]*}}llvm.noalias
func.func @twice(%a: memref<4xf32>, %b: memref<4xf32>, %out: memref<4xf32>,
                 %scratch: memref<8xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "k", fairway.num_outs = 1 : i64} {
  return
}

// CHECK-LABEL: func.func @shifted
// CHECK-SAME: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.nonnull, llvm.noundef}
// CHECK-SAME: memref<4xf32> {llvm.dereferenceable = 16 : i64, llvm.nonnull, llvm.noundef}
func.func @shifted(%a: memref<4xf32>, %out: memref<4xf32>, %scratch: memref<8xi8>,
                   %worker: index, %workers: index)
    attributes {fairway.kernel = "k", fairway.num_outs = 1 : i64} {
  return
}

// A function that is no kernel is left alone.
// CHECK-LABEL: func.func @helper(%{{[^:]*}}: memref<4xf32>)
func.func @helper(%a: memref<4xf32>) {
  return
}
}

// -----

module attributes {fairway.run = {steps = [{kernel = @k, buffers = [[0, 0, 0]]}]}} {
  // expected-error @below {{takes 2 buffers, the plan gives 1}}
  func.func @k(%a: memref<4xf32>, %out: memref<4xf32>, %scratch: memref<8xi8>,
               %worker: index, %workers: index) attributes {fairway.kernel = "k"} {
    return
  }
}

// -----

// expected-error @below {{malformed plan: a step's buffer is not [space, index, offset] or that with [bytes, written, first, last]}}
module attributes {fairway.run = {steps = [{kernel = @k, buffers = [[9, 0, 0]]}]}} {
}

// -----

// expected-error @below {{malformed plan: a step's dimension is not [extent, tile]}}
module attributes {fairway.run = {steps = [{kernel = @k, buffers = [], dimensions = [[4, 0]]}]}} {
}
