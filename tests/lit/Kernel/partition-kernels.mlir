// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --fairway-partition-kernels --canonicalize | FileCheck %s

// 3 * 2 tiles, numbered with the last loop fastest.
// CHECK-LABEL: func.func private @k
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<130x16xf32>, %[[W:[a-z0-9]+]]: index, %[[N:[a-z0-9]+]]: index)
// CHECK-SAME:    fairway.tiles = 6 : i64
// CHECK-DAG:   %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:   %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:   %[[C6:.*]] = arith.constant 6 : index
// CHECK-DAG:   %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG:   %[[C50:.*]] = arith.constant 50 : index
// CHECK:       %[[WT:.*]] = arith.muli %[[W]], %[[C6]]
// CHECK:       %[[LO:.*]] = arith.divui %[[WT]], %[[N]]
// CHECK:       %[[NEXT:.*]] = arith.addi %[[W]], %[[C1]]
// CHECK:       %[[NT:.*]] = arith.muli %[[NEXT]], %[[C6]]
// CHECK:       %[[HI:.*]] = arith.divui %[[NT]], %[[N]]
// CHECK:       scf.for %[[T:.*]] = %[[LO]] to %[[HI]]
// CHECK:         %[[J:.*]] = arith.remui %[[T]], %[[C2]]
// CHECK:         %[[I:.*]] = arith.divui %[[T]], %[[C2]]
// CHECK:         %[[JV:.*]] = arith.muli %[[J]], %[[C8]]
// CHECK:         %[[IV:.*]] = arith.muli %[[I]], %[[C50]]
// CHECK:         memref.store %{{.*}}, %[[X]][%[[IV]], %[[JV]]]
func.func private @k(%x: memref<130x16xf32>) attributes {fairway.kernel = "elementwise"} {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i, %j) = (0, 0) to (130, 16) step (50, 8) {
    memref.store %zero, %x[%i, %j] : memref<130x16xf32>
  }
  return
}

// Undivided work is done once.
// CHECK-LABEL: func.func private @serial
// CHECK-SAME:    %[[W:[a-z0-9]+]]: index, %{{.*}}: index) attributes {{.*}} fairway.tiles = 1 : i64
// CHECK:       %[[FIRST:.*]] = arith.cmpi eq, %[[W]], %{{.*}}
// CHECK-NEXT:  scf.if %[[FIRST]] {
// CHECK-NEXT:    memref.store
func.func private @serial(%x: memref<1xf32>) attributes {fairway.kernel = "elementwise"} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  memref.store %zero, %x[%c0] : memref<1xf32>
  return
}

// A caller that knows of no workers is the only one.
// CHECK-LABEL: func.func @main
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:   %[[C1:.*]] = arith.constant 1 : index
// CHECK:       call @k(%{{.*}}, %[[C0]], %[[C1]])
func.func @main(%x: memref<130x16xf32>) {
  func.call @k(%x) : (memref<130x16xf32>) -> ()
  return
}
