// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --fairway-bufferize --canonicalize | FileCheck %s

#id = affine_map<(a) -> (a)>

// Result 0 is destination 0; no copy is left.
// CHECK-LABEL: func.func private @double
// CHECK-SAME:    (%[[X:.*]]: memref<64xf32>, %[[OUT:.*]]: memref<64xf32>) attributes
// CHECK-NOT:   memref.alloc
// CHECK:       linalg.generic {{.*}} ins(%[[X]] {{.*}} outs(%[[OUT]]
// CHECK-NOT:   memref.copy
// CHECK:       return{{$}}
func.func private @double(%x: tensor<64xf32>, %out: tensor<64xf32>) -> tensor<64xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<64xf32>) outs(%out : tensor<64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// An argument that is no destination is never written, even as an initial
// value; the result reaches the destination by a copy if need be.
// CHECK-LABEL: func.func private @accumulate
// CHECK-SAME:    (%[[X:.*]]: memref<64xf32>, %[[INIT:.*]]: memref<64xf32>, %[[OUT:.*]]: memref<64xf32>) attributes
// CHECK:       %[[T:.*]] = memref.alloc()
// CHECK:       memref.copy %[[INIT]], %[[T]]
// CHECK:       linalg.generic {{.*}} outs(%[[T]]
// CHECK:       memref.copy %[[T]], %[[OUT]]
func.func private @accumulate(%x: tensor<64xf32>, %init: tensor<64xf32>, %out: tensor<64xf32>) -> tensor<64xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<64xf32>) outs(%init : tensor<64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %o : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: memref<64xf32>) -> memref<64xf32>
// CHECK:       %[[B:.*]] = memref.alloc()
// CHECK:       call @double(%[[X]], %[[B]]) : (memref<64xf32>, memref<64xf32>) -> ()
// CHECK:       return %[[B]]
func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  %empty = tensor.empty() : tensor<64xf32>
  %0 = func.call @double(%x, %empty) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}
