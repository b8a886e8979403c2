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

// Slices of an argument are read, and slices of a result are written, where
// they are.
// CHECK-LABEL: func.func @slices
// CHECK-SAME:    (%[[X:.*]]: memref<2x64xf32>) -> memref<2x64xf32>
// CHECK:       %[[ALL:.*]] = memref.alloc() {{.*}}: memref<2x64xf32>
// CHECK-NOT:   memref.alloc
// CHECK-NOT:   memref.copy
// CHECK:       memref.subview %[[X]][1, 0] [1, 64] [1, 1]
// CHECK-NOT:   memref.copy
// CHECK:       %[[PART:.*]] = memref.subview %[[ALL]][1, 0] [1, 64] [1, 1]
// CHECK:       %[[DENSE:.*]] = builtin.unrealized_conversion_cast %[[PART]]
// CHECK:       call @double(%{{.*}}, %[[DENSE]]) : (memref<64xf32>, memref<64xf32>) -> ()
// CHECK-NOT:   memref.copy
// CHECK:       return %[[ALL]]
func.func @slices(%x: tensor<2x64xf32>) -> tensor<2x64xf32> {
  %all = bufferization.alloc_tensor() : tensor<2x64xf32>
  %x0 = tensor.extract_slice %x[0, 0] [1, 64] [1, 1] : tensor<2x64xf32> to tensor<64xf32>
  %d0 = tensor.extract_slice %all[0, 0] [1, 64] [1, 1] : tensor<2x64xf32> to tensor<64xf32>
  %r0 = call @double(%x0, %d0) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %i0 = tensor.insert_slice %r0 into %all[0, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<2x64xf32>
  %x1 = tensor.extract_slice %x[1, 0] [1, 64] [1, 1] : tensor<2x64xf32> to tensor<64xf32>
  %d1 = tensor.extract_slice %i0[1, 0] [1, 64] [1, 1] : tensor<2x64xf32> to tensor<64xf32>
  %r1 = call @double(%x1, %d1) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %i1 = tensor.insert_slice %r1 into %i0[1, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<2x64xf32>
  return %i1 : tensor<2x64xf32>
}

// A kernel that only copies: canonicalizing makes it return its argument. The
// caller must not take the copy for that argument, or it copies once more
// before the next kernel writes to it in place.
// CHECK-LABEL: func.func private @copy
// CHECK-SAME:    (%[[X:.*]]: memref<64xf32>, %[[OUT:.*]]: memref<64xf32>) attributes
// CHECK:       linalg.copy ins(%[[X]] {{.*}} outs(%[[OUT]]
func.func private @copy(%x: tensor<64xf32>, %out: tensor<64xf32>) -> tensor<64xf32>
    attributes {fairway.kernel = "copy", fairway.num_outs = 1 : i64} {
  return %x : tensor<64xf32>
}

func.func private @change(%x: tensor<64xf32>, %out: tensor<64xf32>) -> tensor<64xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %first = tensor.extract_slice %x[0] [32] [1] : tensor<64xf32> to tensor<32xf32>
  %0 = tensor.insert_slice %first into %out[32] [32] [1] : tensor<32xf32> into tensor<64xf32>
  return %0 : tensor<64xf32>
}

// CHECK-LABEL: func.func @copies_once
// CHECK-SAME:    (%[[X:.*]]: memref<64xf32>)
// CHECK:       %[[ALLOC:.*]] = memref.alloc()
// CHECK-NOT:   memref.alloc
// CHECK:       call @copy(%[[X]], %[[ALLOC]])
// CHECK-NOT:   memref.alloc
// CHECK:       call @change(%[[X]], %[[ALLOC]])
// CHECK:       return %[[ALLOC]]
func.func @copies_once(%x: tensor<64xf32>) -> tensor<64xf32> {
  %e = tensor.empty() : tensor<64xf32>
  %own = call @copy(%x, %e) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %r = call @change(%x, %own) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %r : tensor<64xf32>
}
