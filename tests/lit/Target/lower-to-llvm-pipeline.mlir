// RUN: fairway-opt --fairway-lower-to-llvm %s | FileCheck %s

// The whole pipeline on a planned module: `y = x + (w * 2)`, w prepared.

module attributes {
  fairway.inputs = [{name = "x", dtype = "float32", shape = [100]}],
  fairway.outputs = [{name = "y", dtype = "float32", shape = [100]}],
  fairway.parameters = [{name = "w", dtype = "float32", shape = [100]}],
  fairway.constants = [{name = "w", dtype = "float32", shape = [100], prepared = 0 : i64}],
  fairway.run = {arena_bytes = 0 : i64, scratch_bytes = 64 : i64, steps = [
    {kernel = @add_0, buffers = [[1, 0, 0], [3, 0, 0], [2, 0, 0]], tiles = 10 : i64,
     flops = 100 : i64, bytes = 1200 : i64}]},
  fairway.prepare = {arena_bytes = 0 : i64, scratch_bytes = 0 : i64, steps = [
    {kernel = @double_0, buffers = [[1, 0, 0], [2, 0, 0]], tiles = 1 : i64,
     flops = 100 : i64, bytes = 800 : i64}]}
} {
  // CHECK-LABEL: llvm.func hidden @add_0(
  // CHECK-SAME: %[[BUFFERS:.*]]: !llvm.ptr, %[[SCRATCH:.*]]: !llvm.ptr, %[[W:.*]]: i64, %[[N:.*]]: i64)
  // CHECK: %[[X:.*]] = llvm.load %[[BUFFERS]]
  // CHECK: %[[SLOT1:.*]] = llvm.getelementptr %[[BUFFERS]][1]
  // CHECK: %[[CONST:.*]] = llvm.load %[[SLOT1]]
  // CHECK: %[[SLOT2:.*]] = llvm.getelementptr %[[BUFFERS]][2]
  // CHECK: %[[Y:.*]] = llvm.load %[[SLOT2]]
  // CHECK: llvm.call @add_0.body(%[[X]], %[[CONST]], %[[Y]], %[[SCRATCH]], %[[W]], %[[N]])
  // CHECK: llvm.func internal @add_0.body(
  // CHECK-SAME: %{{[^ ]*}}: !llvm.ptr {llvm.dereferenceable = 400 : i64, llvm.noalias, llvm.nonnull, llvm.noundef}
  // CHECK-NOT: memref
  func.func @add_0(%x: memref<100xf32>, %c: memref<100xf32>, %y: memref<100xf32>,
                   %scratch: memref<64xi8>, %worker: index, %workers: index)
      attributes {fairway.kernel = "add", fairway.num_outs = 1 : i64, fairway.tiles = 10 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c10 = arith.constant 10 : index
    %first = arith.muli %worker, %c10 : index
    %lo = arith.divui %first, %workers : index
    %next = arith.addi %worker, %c1 : index
    %last = arith.muli %next, %c10 : index
    %hi = arith.divui %last, %workers : index
    %pad = arith.constant 0.0 : f32
    scf.for %tile = %lo to %hi step %c1 {
      %i = affine.apply affine_map<(d0) -> (d0 * 10)>(%tile)
      %sx = memref.subview %x[%i] [10] [1] : memref<100xf32> to memref<10xf32, strided<[1], offset: ?>>
      %a = vector.transfer_read %sx[%c0], %pad {in_bounds = [true]} : memref<10xf32, strided<[1], offset: ?>>, vector<8xf32>
      %b = vector.load %c[%i] : memref<100xf32>, vector<8xf32>
      %s = arith.addf %a, %b : vector<8xf32>
      vector.store %s, %y[%i] : memref<100xf32>, vector<8xf32>
      scf.for %j = %c0 to %c10 step %c1 {
        %k = arith.addi %i, %j : index
        %u = memref.load %x[%k] : memref<100xf32>
        %v = memref.load %c[%k] : memref<100xf32>
        %w = arith.addf %u, %v : f32
        memref.store %w, %y[%k] : memref<100xf32>
      }
    }
    return
  }
  // CHECK-LABEL: llvm.func hidden @double_0(
  // CHECK: llvm.func internal @double_0.body(
  func.func @double_0(%w: memref<100xf32>, %out: memref<100xf32>, %scratch: memref<0xi8>,
                      %worker: index, %workers: index)
      attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.tiles = 1 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c100 = arith.constant 100 : index
    %isFirst = arith.cmpi eq, %worker, %c0 : index
    scf.if %isFirst {
      scf.for %i = %c0 to %c100 step %c1 {
        %a = memref.load %w[%i] : memref<100xf32>
        %b = arith.addf %a, %a : f32
        %t = math.tanh %b : f32
        %d = arith.subf %t, %t : f32
        %e = arith.addf %b, %d : f32
        memref.store %e, %out[%i] : memref<100xf32>
      }
    }
    return
  }
}
