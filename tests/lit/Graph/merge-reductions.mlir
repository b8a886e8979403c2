// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-merge-reductions -split-input-file | FileCheck %s

// Blocks and columns of the operands that both walk in order become one sum.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-LABEL: func.func @panels
// CHECK-DAG:     %[[R:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2]] : tensor<8x4x16xf32> into tensor<8x64xf32>
// CHECK-DAG:     %[[V:.*]] = tensor.collapse_shape %arg1 {{\[\[}}0], [1, 2], [3]] : tensor<6x4x16x16xf32> into tensor<6x64x16xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "reduction", "parallel"]} ins(%[[R]], %[[V]]
func.func @panels(%x: tensor<8x4x16xf32>, %w: tensor<6x4x16x16xf32>, %out: tensor<8x6x16xf32>) -> tensor<8x6x16xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k, l, v) -> (m, k, l)>, affine_map<(m, n, k, l, v) -> (n, k, l, v)>, affine_map<(m, n, k, l, v) -> (m, n, v)>], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]} ins(%x, %w : tensor<8x4x16xf32>, tensor<6x4x16x16xf32>) outs(%out : tensor<8x6x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x6x16xf32>
  return %0 : tensor<8x6x16xf32>
}

// -----

// One operand walks them the other way round.
// CHECK-LABEL: func.func @crossed
// CHECK-NOT:     collapse_shape
func.func @crossed(%x: tensor<8x4x16xf32>, %w: tensor<6x16x4x16xf32>, %out: tensor<8x6x16xf32>) -> tensor<8x6x16xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k, l, v) -> (m, k, l)>, affine_map<(m, n, k, l, v) -> (n, l, k, v)>, affine_map<(m, n, k, l, v) -> (m, n, v)>], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]} ins(%x, %w : tensor<8x4x16xf32>, tensor<6x16x4x16xf32>) outs(%out : tensor<8x6x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x6x16xf32>
  return %0 : tensor<8x6x16xf32>
}

// -----

// A window moves over the image: its rows and columns do not lie one behind the
// other.
// CHECK-LABEL: func.func @window
// CHECK-NOT:     collapse_shape
func.func @window(%x: tensor<6x6xf32>, %w: tensor<3x3x8xf32>, %out: tensor<4x4x8xf32>) -> tensor<4x4x8xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(h, w, kh, kw, v) -> (h + kh, w + kw)>, affine_map<(h, w, kh, kw, v) -> (kh, kw, v)>, affine_map<(h, w, kh, kw, v) -> (h, w, v)>], iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel"]} ins(%x, %w : tensor<6x6xf32>, tensor<3x3x8xf32>) outs(%out : tensor<4x4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4x8xf32>
  return %0 : tensor<4x4x8xf32>
}

// Groups of four channels, which a transposition reads last, are one dimension
// for it; one of sixteen is long enough.
// CHECK-LABEL: func.func @transpose_groups
// CHECK:         tensor.collapse_shape %arg0 {{\[}}[0, 1], [2, 3]] : tensor<6x5x8x4xf32> into tensor<30x32xf32>
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<32x30xf32>)
// CHECK:         linalg.generic {{.*}} ins(%arg1 : tensor<6x5x2x16xf32>)
func.func @transpose_groups(%x: tensor<6x5x8x4xf32>, %y: tensor<6x5x2x16xf32>) -> (tensor<8x4x6x5xf32>, tensor<2x16x6x5xf32>) {
  %e = tensor.empty() : tensor<8x4x6x5xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(g, c, h, w) -> (h, w, g, c)>, affine_map<(g, c, h, w) -> (g, c, h, w)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<6x5x8x4xf32>) outs(%e : tensor<8x4x6x5xf32>) {
  ^bb0(%i: f32, %out: f32):
    linalg.yield %i : f32
  } -> tensor<8x4x6x5xf32>
  %f = tensor.empty() : tensor<2x16x6x5xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(g, c, h, w) -> (h, w, g, c)>, affine_map<(g, c, h, w) -> (g, c, h, w)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y : tensor<6x5x2x16xf32>) outs(%f : tensor<2x16x6x5xf32>) {
  ^bb0(%i: f32, %out: f32):
    linalg.yield %i : f32
  } -> tensor<2x16x6x5xf32>
  return %0, %1 : tensor<8x4x6x5xf32>, tensor<2x16x6x5xf32>
}
