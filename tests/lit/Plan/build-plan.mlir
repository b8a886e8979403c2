// RUN: fairway-opt %s -fairway-build-plan | FileCheck %s

// Two buffers that are never alive together share the arena; the returned
// buffer is the caller's; workers meet where one step reads what another wrote.

// CHECK: fairway.constants = [{dtype = "float32", name = "w", parameter = 0 : i64, prepared = -1 : i64, shape = [16]}]
// CHECK-SAME: fairway.inputs = [{dtype = "float32", name = "x", shape = [16]}]
// CHECK-SAME: fairway.outputs = [{dtype = "float32", name = "output0", shape = [16]}]
// CHECK-SAME: fairway.run = {arena_bytes = 128 : i64, scratch_bytes = 256 : i64,
// CHECK-SAME: {barrier = false, buffers = {{\[\[}}1, 0, 0, 64, 0, 0, 0], [3, 0, 0, 64, 0, 0, 0], [0, 0, 0, 64, 1, 0, 1]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 0, 64, 0, 0, 1], [3, 0, 0, 64, 0, 0, 0], [0, 0, 64, 64, 1, 1, 2]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 64, 64, 0, 1, 2], [3, 0, 0, 64, 0, 0, 0], [0, 0, 0, 64, 1, 2, 3]]
// CHECK-SAME: {barrier = true, buffers = {{\[\[}}0, 0, 0, 64, 0, 2, 3], [3, 0, 0, 64, 0, 0, 0], [2, 0, 0, 64, 1, 0, 0]]
// CHECK-NOT: func.func @main
func.func private @k(%a: memref<16xf32>, %b: memref<16xf32>, %c: memref<16xf32>,
                     %scratch: memref<256xi8>, %worker: index, %workers: index)
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64,
                fairway.tiles = 4 : i64, fairway.scratch_bytes = 256 : i64} {
  return
}

func.func @main(%x: memref<16xf32> {fairway.name = "x", fairway.kind = "input"},
                %w: memref<16xf32> {fairway.name = "w", fairway.kind = "parameter"})
    -> memref<16xf32> {
  %s = memref.alloc() : memref<256xi8>
  %i = arith.constant 0 : index
  %0 = memref.alloc() : memref<16xf32>
  call @k(%x, %w, %0, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<16xf32>, memref<256xi8>, index, index) -> ()
  %1 = memref.alloc() : memref<16xf32>
  call @k(%0, %w, %1, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<16xf32>, memref<256xi8>, index, index) -> ()
  %2 = memref.alloc() : memref<16xf32>
  call @k(%1, %w, %2, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<16xf32>, memref<256xi8>, index, index) -> ()
  %3 = memref.alloc() : memref<16xf32>
  call @k(%2, %w, %3, %s, %i, %i) : (memref<16xf32>, memref<16xf32>, memref<16xf32>, memref<256xi8>, index, index) -> ()
  return %3 : memref<16xf32>
}
