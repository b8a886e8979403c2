// RUN: fairway-opt --fairway-lower-to-llvm %s | FileCheck %s

// An offset that divides with rounding down, as slices of reshapes have it.
// CHECK-LABEL: llvm.func internal @rounded
// CHECK-NOT: arith.
// CHECK: llvm.sdiv
func.func @rounded(%x: memref<64xf32>, %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %i = affine.apply affine_map<(i) -> (i floordiv 16)>(%worker)
  memref.store %zero, %x[%i] : memref<64xf32>
  return
}
