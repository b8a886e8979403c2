// RUN: fairway-opt %s -fairway-build-plan | FileCheck %s

// @rows and @more_rows touch one and the same slab in each of their 4 tiles, so
// a worker that runs both finds what it wrote itself. @whole reads everything,
// @halves has other tiles: there the workers meet.

// CHECK: fairway.run =
// CHECK-SAME: {barrier = false, {{[^}]*}}kernel = @rows,
// CHECK-SAME: {barrier = false, {{[^}]*}}kernel = @more_rows,
// CHECK-SAME: {barrier = true, {{[^}]*}}kernel = @halves,
// CHECK-SAME: {barrier = true, {{[^}]*}}kernel = @rows,
// CHECK-SAME: {barrier = true, {{[^}]*}}kernel = @whole,
func.func private @rows(%a: memref<64xf32>, %b: memref<64xf32>,
                        %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64, fairway.slabs = array<i64: 64, 64>} {
  return
}
func.func private @more_rows(%a: memref<64xf32>, %b: memref<64xf32>,
                             %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64, fairway.slabs = array<i64: 64, 64>} {
  return
}
func.func private @halves(%a: memref<64xf32>, %b: memref<64xf32>,
                          %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 2 : i64, fairway.slabs = array<i64: 128, 128>} {
  return
}
func.func private @whole(%a: memref<64xf32>, %b: memref<64xf32>,
                         %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64, fairway.slabs = array<i64: 0, 64>} {
  return
}

func.func @main(%x: memref<64xf32> {fairway.name = "x", fairway.kind = "input"})
    -> memref<64xf32> {
  %s = memref.alloc() : memref<0xi8>
  %i = arith.constant 0 : index
  %0 = memref.alloc() : memref<64xf32>
  call @rows(%x, %0, %s, %i, %i) : (memref<64xf32>, memref<64xf32>, memref<0xi8>, index, index) -> ()
  %1 = memref.alloc() : memref<64xf32>
  call @more_rows(%0, %1, %s, %i, %i) : (memref<64xf32>, memref<64xf32>, memref<0xi8>, index, index) -> ()
  %2 = memref.alloc() : memref<64xf32>
  call @halves(%1, %2, %s, %i, %i) : (memref<64xf32>, memref<64xf32>, memref<0xi8>, index, index) -> ()
  %3 = memref.alloc() : memref<64xf32>
  call @rows(%2, %3, %s, %i, %i) : (memref<64xf32>, memref<64xf32>, memref<0xi8>, index, index) -> ()
  %4 = memref.alloc() : memref<64xf32>
  call @whole(%3, %4, %s, %i, %i) : (memref<64xf32>, memref<64xf32>, memref<0xi8>, index, index) -> ()
  return %4 : memref<64xf32>
}
