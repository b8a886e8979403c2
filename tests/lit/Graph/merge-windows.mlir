// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-merge-windows -split-input-file | FileCheck %s

// A window's row over three channels is one loop of nine steps.
// CHECK-DAG: #[[IMAGE:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0 * 2 + d3, d1 * 6 + d4)>
// CHECK-DAG: #[[WEIGHT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d2, d3, d4)>
// CHECK-LABEL: func.func @stem
// CHECK-DAG:     %[[X:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2]] : tensor<9x9x3xf32> into tensor<9x27xf32>
// CHECK-DAG:     %[[T:.*]] = linalg.generic {{.*}} ins(%arg1
// CHECK:         %[[W:.*]] = tensor.collapse_shape {{.*}} into tensor<8x3x9xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[IMAGE]], #[[WEIGHT]], {{.*}}], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%[[X]], %[[W]]
func.func @stem(%x: tensor<9x9x3xf32>, %w: tensor<8x3x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<4x4x8xf32>) -> tensor<4x4x8xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(h, w, o, c, kh, kw) -> (h * 2 + kh, w * 2 + kw, c)>, affine_map<(h, w, o, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(h, w, o, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<9x9x3xf32>, tensor<8x3x3x3xf32>) outs(%out : tensor<4x4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4x8xf32>
  return %0 : tensor<4x4x8xf32>
}

// -----

// The pixels of a dilated window do not lie side by side.
// CHECK-LABEL: func.func @dilated
// CHECK-NOT:     collapse_shape
func.func @dilated(%x: tensor<8x8x3xf32>, %w: tensor<8x3x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<4x4x8xf32>) -> tensor<4x4x8xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(h, w, o, c, kh, kw) -> (h + kh * 2, w + kw * 2, c)>, affine_map<(h, w, o, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(h, w, o, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<8x8x3xf32>, tensor<8x3x3x3xf32>) outs(%out : tensor<4x4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4x8xf32>
  return %0 : tensor<4x4x8xf32>
}

// -----

// Channels of a depthwise convolution are no reduction.
// CHECK-LABEL: func.func @depthwise
// CHECK-NOT:     collapse_shape
func.func @depthwise(%x: tensor<6x6x8xf32>, %w: tensor<8x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<4x4x8xf32>) -> tensor<4x4x8xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(h, w, c, kh, kw) -> (h + kh, w + kw, c)>, affine_map<(h, w, c, kh, kw) -> (c, kh, kw)>, affine_map<(h, w, c, kh, kw) -> (h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%x, %w : tensor<6x6x8xf32>, tensor<8x3x3xf32>) outs(%out : tensor<4x4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4x8xf32>
  return %0 : tensor<4x4x8xf32>
}
