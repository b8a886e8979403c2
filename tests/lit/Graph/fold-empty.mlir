// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-fold-empty -canonicalize | FileCheck %s

#row = affine_map<(a, b) -> (a)>
#all = affine_map<(a, b) -> (a, b)>

// The sum of nothing is what it begins with.
// CHECK-LABEL: func.func @sum
// CHECK:       %[[ZERO:.*]] = linalg.fill
// CHECK-NOT:   linalg.generic
// CHECK:       return %[[ZERO]]
func.func @sum(%x: tensor<3x0xf32>) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %r = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x0xf32>) outs(%init : tensor<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// What has no element is not computed, and inserting it changes nothing.
// CHECK-LABEL: func.func @nothing
// CHECK-SAME:    %{{.*}}: tensor<3x0xf32>, %[[Y:.*]]: tensor<3x2xf32>)
// CHECK-NOT:   linalg
// CHECK:       %[[E:.*]] = tensor.empty() : tensor<0xf32>
// CHECK:       return %[[E]], %[[Y]]
func.func @nothing(%x: tensor<3x0xf32>, %y: tensor<3x2xf32>)
    -> (tensor<0xf32>, tensor<3x2xf32>) {
  %e = tensor.empty() : tensor<3x0xf32>
  %r = linalg.exp ins(%x : tensor<3x0xf32>) outs(%e : tensor<3x0xf32>) -> tensor<3x0xf32>
  %flat = tensor.collapse_shape %r [[0, 1]] : tensor<3x0xf32> into tensor<0xf32>
  %both = tensor.insert_slice %r into %y[0, 0] [3, 0] [1, 1]
      : tensor<3x0xf32> into tensor<3x2xf32>
  return %flat, %both : tensor<0xf32>, tensor<3x2xf32>
}

// Loops that make steps stay.
// CHECK-LABEL: func.func @steps
// CHECK:       linalg.generic
func.func @steps(%x: tensor<3x2xf32>) -> tensor<3xf32> {
  %e = tensor.empty() : tensor<3xf32>
  %r = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x2xf32>) outs(%e : tensor<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<3xf32>
  return %r : tensor<3xf32>
}
