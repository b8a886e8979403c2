// RUN: fairway-opt --fairway-lower-vectors --canonicalize --split-input-file %s | FileCheck %s

// Rows become loads and stores.
// CHECK-LABEL: @rows
// CHECK-NOT: transfer
// CHECK-COUNT-2: vector.load {{.*}} vector<16xf32>
// CHECK-COUNT-2: vector.store {{.*}} vector<16xf32>
// CHECK-NOT: transfer
func.func @rows(%m: memref<8x16xf32>, %n: memref<8x16xf32>, %i: index) {
  %c0 = arith.constant 0 : index
  %pad = arith.constant 0.0 : f32
  %0 = vector.transfer_read %m[%i, %c0], %pad {in_bounds = [true, true]}
    : memref<8x16xf32>, vector<2x16xf32>
  vector.transfer_write %0, %n[%i, %c0] {in_bounds = [true, true]}
    : vector<2x16xf32>, memref<8x16xf32>
  return
}

// -----

// What may be out of bounds is masked.
// CHECK-LABEL: @tail
// CHECK: %[[MASK:.*]] = arith.cmpi sgt, {{.*}} : vector<8xi32>
// CHECK: vector.maskedload {{.*}}, %[[MASK]], 
func.func @tail(%m: memref<13xf32>, %i: index) -> vector<8xf32> {
  %pad = arith.constant 0.0 : f32
  %0 = vector.transfer_read %m[%i], %pad : memref<13xf32>, vector<8xf32>
  return %0 : vector<8xf32>
}

// -----

// CHECK-LABEL: @masked
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
func.func @masked(%m: memref<16xf32>, %mask: vector<8xi1>, %i: index) {
  %pad = arith.constant 0.0 : f32
  %0 = vector.mask %mask { vector.transfer_read %m[%i], %pad {in_bounds = [true]}
    : memref<16xf32>, vector<8xf32> } : vector<8xi1> -> vector<8xf32>
  vector.mask %mask { vector.transfer_write %0, %m[%i] {in_bounds = [true]}
    : vector<8xf32>, memref<16xf32> } : vector<8xi1>
  return
}

// -----

// CHECK-LABEL: @reduce
// CHECK-NOT: multi_reduction
// CHECK-COUNT-2: vector.reduction <add>
func.func @reduce(%v: vector<2x8xf32>, %acc: vector<2xf32>) -> vector<2xf32> {
  %0 = vector.multi_reduction <add>, %v, %acc [1] : vector<2x8xf32> to vector<2xf32>
  return %0 : vector<2xf32>
}

// -----

// One-dimensional code stays as it is.
// CHECK-LABEL: @untouched
// CHECK-NEXT: vector.load
// CHECK-NEXT: vector.reduction <maximumf>
// CHECK-NEXT: return
func.func @untouched(%m: memref<8xf32>, %i: index) -> f32 {
  %0 = vector.load %m[%i] : memref<8xf32>, vector<8xf32>
  %1 = vector.reduction <maximumf>, %0 : vector<8xf32> into f32
  return %1 : f32
}
