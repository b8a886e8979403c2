// RUN: fairway-opt %s -fairway-build-plan | FileCheck %s

// The third step depends on nothing that the others compute. It could have the
// first one's memory, which nobody needs any more, but the workers would have to
// meet for that; the fourth has it, as they meet there for the data.

// CHECK: fairway.run = {arena_bytes = 192 : i64
// CHECK-SAME: {barrier = false, buffers = {{\[\[}}1, 0, 0, 64, 0, 0, 0], [0, 0, 0, 64, 1, 0, 1]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 0, 64, 0, 0, 1], [0, 0, 64, 64, 1, 1, 3]]
// CHECK-SAME: {barrier = false, buffers = {{\[\[}}1, 0, 0, 64, 0, 0, 0], [0, 0, 128, 64, 1, 2, 4]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 64, 64, 0, 1, 3], [0, 0, 0, 64, 1, 3, 4]]
// CHECK-SAME: {barrier = true,
func.func private @k(%a: memref<16xf32>, %b: memref<16xf32>,
                     %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64} {
  return
}
func.func private @join(%a: memref<16xf32>, %b: memref<16xf32>, %c: memref<16xf32>,
                        %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64} {
  return
}

func.func @main(%x: memref<16xf32> {fairway.name = "x", fairway.kind = "input"})
    -> memref<16xf32> {
  %s = memref.alloc() : memref<0xi8>
  %i = arith.constant 0 : index
  %0 = memref.alloc() : memref<16xf32>
  call @k(%x, %0, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %1 = memref.alloc() : memref<16xf32>
  call @k(%0, %1, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %2 = memref.alloc() : memref<16xf32>
  call @k(%x, %2, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %3 = memref.alloc() : memref<16xf32>
  call @k(%1, %3, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %4 = memref.alloc() : memref<16xf32>
  call @join(%2, %3, %4, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  return %4 : memref<16xf32>
}
