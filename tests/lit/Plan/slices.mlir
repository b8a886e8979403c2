// RUN: fairway-opt %s -fairway-build-plan | FileCheck %s

// A slice is its buffer and an offset. Nobody waits between slices: the second
// one's first step touches nothing that the first one's last step does.

// CHECK: fairway.run = {arena_bytes = 128 : i64
// CHECK-SAME: {barrier = false, buffers = {{\[\[}}1, 0, 0, 64, 0, 0, 0], [0, 0, 0, 64, 1, 0, 1]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 0, 64, 0, 0, 1], [2, 0, 0, 64, 1, 0, 0]]
// CHECK-SAME: {barrier = false, buffers = {{\[\[}}1, 0, 64, 64, 0, 0, 0], [0, 0, 64, 64, 1, 2, 3]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 64, 64, 0, 2, 3], [2, 0, 64, 64, 1, 0, 0]]
func.func private @k(%a: memref<16xf32>, %b: memref<16xf32>,
                     %scratch: memref<0xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64, fairway.scratch_bytes = 0 : i64} {
  return
}

func.func @main(%x: memref<2x16xf32> {fairway.name = "x", fairway.kind = "input"}) -> memref<2x16xf32> {
  %s = memref.alloc() : memref<0xi8>
  %i = arith.constant 0 : index
  %all = memref.alloc() : memref<2x16xf32>
  %x0 = memref.subview %x[0, 0] [1, 16] [1, 1] : memref<2x16xf32> to memref<16xf32, strided<[1]>>
  %a0 = builtin.unrealized_conversion_cast %x0 : memref<16xf32, strided<[1]>> to memref<16xf32>
  %t0 = memref.alloc() : memref<16xf32>
  call @k(%a0, %t0, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %y0 = memref.subview %all[0, 0] [1, 16] [1, 1] : memref<2x16xf32> to memref<16xf32, strided<[1]>>
  %b0 = builtin.unrealized_conversion_cast %y0 : memref<16xf32, strided<[1]>> to memref<16xf32>
  call @k(%t0, %b0, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %x1 = memref.subview %x[1, 0] [1, 16] [1, 1] : memref<2x16xf32> to memref<16xf32, strided<[1], offset: 16>>
  %a1 = builtin.unrealized_conversion_cast %x1 : memref<16xf32, strided<[1], offset: 16>> to memref<16xf32>
  %t1 = memref.alloc() : memref<16xf32>
  call @k(%a1, %t1, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  %y1 = memref.subview %all[1, 0] [1, 16] [1, 1] : memref<2x16xf32> to memref<16xf32, strided<[1], offset: 16>>
  %b1 = builtin.unrealized_conversion_cast %y1 : memref<16xf32, strided<[1], offset: 16>> to memref<16xf32>
  call @k(%t1, %b1, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<0xi8>, index, index) -> ()
  return %all : memref<2x16xf32>
}
