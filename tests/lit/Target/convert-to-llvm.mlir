// RUN: fairway-opt --fairway-convert-to-llvm --split-input-file --verify-diagnostics %s | FileCheck %s

// Memrefs are bare pointers, sums may reassociate, scratch is bytes.
// CHECK-LABEL: llvm.func @kernel(
// CHECK-SAME: !llvm.ptr, %{{[^ ]*}}: !llvm.ptr, %{{[^ ]*}}: i64)
// CHECK: llvm.intr.vector.reduce.fadd{{.*}}fastmathFlags = #llvm.fastmath<reassoc>
func.func @kernel(%m: memref<8xf32>, %scratch: memref<64xi8>, %worker: index) {
  %zero = arith.constant 0 : index
  %0 = vector.load %m[%worker] : memref<8xf32>, vector<4xf32>
  %1 = vector.reduction <add>, %0 : vector<4xf32> into f32
  %view = memref.view %scratch[%zero][] : memref<64xi8> to memref<16xf32>
  memref.store %1, %view[%worker] : memref<16xf32>
  return
}

// -----

// An intrinsic where LLVM has one, the C library where it has none.
// CHECK-DAG: llvm.func @erff(f32) -> f32
// CHECK-LABEL: llvm.func @functions
// CHECK: llvm.intr.sqrt
// CHECK: llvm.call @erff
// CHECK: llvm.call @erff
func.func @functions(%x: vector<2xf32>) -> vector<2xf32> {
  %0 = math.sqrt %x : vector<2xf32>
  %1 = math.erf %0 : vector<2xf32>
  return %1 : vector<2xf32>
}

// -----

// CHECK-LABEL: llvm.mlir.global private constant @table
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func @global(%i: index) -> f32 {
  %0 = memref.get_global @table : memref<4xf32>
  %1 = memref.load %0[%i] : memref<4xf32>
  return %1 : f32
}

// -----

func.func @leftover(%x: tensor<4xf32>, %i: index) {
  // expected-error @below {{unsupported operation 'tensor.extract' in a kernel}}
  %0 = tensor.extract %x[%i] : tensor<4xf32>
  return
}
