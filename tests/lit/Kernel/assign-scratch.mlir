// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --fairway-assign-scratch | FileCheck %s

// Two buffers of 40 and at most 100 * 4 bytes, each on its own cache lines.
// CHECK-LABEL: func.func private @k
// CHECK-SAME:    %[[S:[a-z0-9]+]]: memref<512xi8>)
// CHECK-SAME:    fairway.scratch_bytes = 512 : i64
// CHECK-NOT:   memref.alloc
// CHECK:       %[[O0:.*]] = arith.constant 0 : index
// CHECK:       memref.view %[[S]][%[[O0]]][] : memref<512xi8> to memref<10xf32>
// CHECK:       %[[O1:.*]] = arith.constant 64 : index
// CHECK:       memref.view %[[S]][%[[O1]]][%{{.*}}] : memref<512xi8> to memref<?xf32>
// CHECK-NOT:   memref.dealloc
func.func private @k(%x: memref<256xf32>) attributes {fairway.kernel = "elementwise"} {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<10xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<10xf32>)
  scf.forall (%i) = (0) to (256) step (100) {
    %size = affine.min affine_map<(i) -> (-i + 256, 100)>(%i)
    %b = memref.alloc(%size) : memref<?xf32>
    linalg.fill ins(%zero : f32) outs(%b : memref<?xf32>)
  }
  memref.dealloc %a : memref<10xf32>
  return
}

// CHECK-LABEL: func.func private @none
// CHECK-SAME:    memref<0xi8>) attributes {{.*}} fairway.scratch_bytes = 0 : i64
func.func private @none(%x: memref<256xf32>) attributes {fairway.kernel = "elementwise"} {
  return
}

// CHECK-LABEL: func.func @main
// CHECK:       %[[SCRATCH:.*]] = memref.alloc() {alignment = 64 : i64, fairway.scratch} : memref<512xi8>
// CHECK:       call @k(%{{.*}}, %[[SCRATCH]])
func.func @main(%x: memref<256xf32>) {
  func.call @k(%x) : (memref<256xf32>) -> ()
  return
}
