// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-trim-windows -split-input-file | FileCheck %s
// RUN: fairway-opt %s -fairway-trim-windows -linalg-fold-unit-extent-dims -split-input-file | FileCheck %s --check-prefix=FOLDED

// One place of three rows in an image of four: the fourth is not read. Columns
// have several places.
// CHECK-LABEL: func.func @one_place
// CHECK:         %[[R:.*]] = tensor.extract_slice %arg0[0, 0] [3, 8] [1, 1] : tensor<4x8xf32> to tensor<3x8xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[R]], %arg1
// FOLDED-LABEL: func.func @one_place
// FOLDED:         linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "reduction"]
func.func @one_place(%x: tensor<4x8xf32>, %w: tensor<3x3xf32>, %out: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(h, w, kh, kw) -> (h * 2 + kh, w * 2 + kw)>, affine_map<(h, w, kh, kw) -> (kh, kw)>, affine_map<(h, w, kh, kw) -> (h, w)>], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%x, %w : tensor<4x8xf32>, tensor<3x3xf32>) outs(%out : tensor<1x3xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

// The window reads everything.
// CHECK-LABEL: func.func @whole
// CHECK-NOT:     tensor.extract_slice
func.func @whole(%x: tensor<3xf32>, %w: tensor<3xf32>, %out: tensor<1xf32>) -> tensor<1xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(h, kh) -> (h * 2 + kh)>, affine_map<(h, kh) -> (kh)>, affine_map<(h, kh) -> (h)>], iterator_types = ["parallel", "reduction"]} ins(%x, %w : tensor<3xf32>, tensor<3xf32>) outs(%out : tensor<1xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<1xf32>
  return %0 : tensor<1xf32>
}
