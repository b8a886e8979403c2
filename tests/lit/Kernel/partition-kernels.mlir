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

// The plan learns how the result is divided, and that tile t touches nothing but
// the t-th 64 * 4 bytes of it and of the first input; the second is read whole.
// CHECK-LABEL: func.func private @rows
// CHECK-SAME:    fairway.dimensions = {{\[\[}}8, 2], [32, 32]]
// CHECK-SAME:    fairway.slabs = array<i64: 256, 0, 256>
func.func private @rows(%x: memref<8x32xf32>, %w: memref<32xf32>, %out: memref<8x32xf32>,
                        %scratch: memref<0xi8>)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  scf.forall (%i) = (0) to (8) step (2) {
    %a = memref.subview %x[%i, 0] [2, 32] [1, 1]
        : memref<8x32xf32> to memref<2x32xf32, strided<[32, 1], offset: ?>>
    %o = memref.subview %out[%i, 0] [2, 32] [1, 1]
        : memref<8x32xf32> to memref<2x32xf32, strided<[32, 1], offset: ?>>
    linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (c)>,
                                     affine_map<(r, c) -> (r, c)>],
                    iterator_types = ["parallel", "parallel"]}
        ins(%a, %w : memref<2x32xf32, strided<[32, 1], offset: ?>>, memref<32xf32>)
        outs(%o : memref<2x32xf32, strided<[32, 1], offset: ?>>) {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %s = arith.addf %p, %q : f32
      linalg.yield %s : f32
    }
  }
  return
}

// Two loops over tiles whose result is one range after the other; the input's
// window reaches into the next tile's range, so nothing is promised of it.
// CHECK-LABEL: func.func private @window
// CHECK-SAME:    fairway.dimensions = {{\[\[}}4, 1], [8, 4]]
// CHECK-SAME:    fairway.slabs = array<i64: 0, 0, 16>
func.func private @window(%x: memref<33xf32>, %size: memref<2xf32>, %out: memref<4x8xf32>,
                          %scratch: memref<0xi8>)
    attributes {fairway.kernel = "pool", fairway.num_outs = 1 : i64} {
  scf.forall (%i, %j) = (0, 0) to (4, 8) step (1, 4) {
    %at = affine.apply affine_map<(i, j) -> (i * 8 + j)>(%i, %j)
    %a = memref.subview %x[%at] [5] [1] : memref<33xf32> to memref<5xf32, strided<[1], offset: ?>>
    %o = memref.subview %out[%i, %j] [1, 4] [1, 1]
        : memref<4x8xf32> to memref<4xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [affine_map<(d, k) -> (d + k)>, affine_map<(d, k) -> (k)>,
                                     affine_map<(d, k) -> (d)>],
                    iterator_types = ["parallel", "reduction"]}
        ins(%a, %size : memref<5xf32, strided<[1], offset: ?>>, memref<2xf32>)
        outs(%o : memref<4xf32, strided<[1], offset: ?>>) {
    ^bb0(%p: f32, %unused: f32, %r: f32):
      %s = arith.maximumf %p, %r : f32
      linalg.yield %s : f32
    }
  }
  return
}

// Columns of a matrix are no ranges.
// CHECK-LABEL: func.func private @columns
// CHECK-SAME:    fairway.dimensions = {{\[\[}}8, 8], [32, 16]]
// CHECK-SAME:    fairway.slabs = array<i64: 0>
func.func private @columns(%out: memref<8x32xf32>, %scratch: memref<0xi8>)
    attributes {fairway.kernel = "fill", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  scf.forall (%j) = (0) to (32) step (16) {
    %o = memref.subview %out[0, %j] [8, 16] [1, 1]
        : memref<8x32xf32> to memref<8x16xf32, strided<[32, 1], offset: ?>>
    linalg.fill ins(%zero : f32) outs(%o : memref<8x16xf32, strided<[32, 1], offset: ?>>)
  }
  return
}

// What stands outside of the loop is done by every worker.
// CHECK-LABEL: func.func private @outside
// CHECK-SAME:    fairway.slabs = array<i64: 0, 64>
func.func private @outside(%x: memref<2x16xf32>, %out: memref<2x16xf32>, %scratch: memref<64xi8>)
    attributes {fairway.kernel = "fill", fairway.num_outs = 1 : i64} {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0, %c0] : memref<2x16xf32>
  scf.forall (%i) = (0) to (2) step (1) {
    %o = memref.subview %out[%i, 0] [1, 16] [1, 1]
        : memref<2x16xf32> to memref<1x16xf32, strided<[16, 1], offset: ?>>
    linalg.fill ins(%v : f32) outs(%o : memref<1x16xf32, strided<[16, 1], offset: ?>>)
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
