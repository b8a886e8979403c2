// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-winograd=threads=1 -split-input-file | FileCheck %s
// RUN: fairway-opt %s "-fairway-winograd=threads=1 machine={memory-bandwidth=0.2}" -split-input-file | FileCheck %s --check-prefix=SLOW

// Image and weights are transformed, multiplied for each of 16 places, and the
// sums transformed back: pixels of a block differ in what they take of its places.
// CHECK-DAG: #[[IMAGE:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1 * 2 + d4, d2 * 2 + d5, d3)>
// CHECK-DAG: #[[SUMS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d0 floordiv 2, d1 floordiv 2, d2, d4)>
// CHECK-DAG: #[[RESULT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d0 mod 2, d1 mod 2)>
// CHECK-LABEL: func.func @even
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<{{.*}}> : tensor<16x4x4xf32>
// CHECK:         %[[V:.*]] = linalg.generic {indexing_maps = [#[[IMAGE]], {{.*}}ins(%arg0, %[[B]] : tensor<18x14x32xf32>, tensor<16x4x4xf32>) outs({{.*}}tensor<16x8x6x32xf32>
// CHECK:         %[[W:.*]] = tensor.expand_shape %arg1 {{\[\[}}0, 1], [2], [3], [4]]
// CHECK:         %[[U:.*]] = linalg.generic {{.*}}ins(%[[W]], %{{.*}} : tensor<3x16x32x3x3xf32>, tensor<16x3x3xf32>) outs({{.*}}tensor<3x16x32x16xf32>
// CHECK:         %[[M:.*]] = linalg.generic {{.*}}ins(%[[V]], %[[U]] : {{.*}} outs({{.*}}tensor<16x8x6x3x16xf32>
// CHECK:         %[[Y:.*]] = linalg.generic {indexing_maps = [#[[SUMS]], #[[RESULT]], {{.*}}ins(%[[M]], %{{.*}} : {{.*}}, tensor<16x2x2xf32>) outs({{.*}}tensor<16x12x3x16xf32>
// CHECK:         tensor.collapse_shape %[[Y]] {{.*}} into tensor<16x12x48xf32>

// Weights that arrive slowly had better be small.
// SLOW-LABEL: func.func @even
// SLOW-NOT:     tensor<16x4x4xf32>
func.func @even(%x: tensor<18x14x32xf32>, %w: tensor<48x32x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<16x12x48xf32>) -> tensor<16x12x48xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(o, h, w, c, kh, kw) -> (h + kh, w + kw, c)>, affine_map<(o, h, w, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(o, h, w, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<18x14x32xf32>, tensor<48x32x3x3xf32>) outs(%out : tensor<16x12x48xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x12x48xf32>
  return %0 : tensor<16x12x48xf32>
}

// -----

// The last blocks of an odd image read one more row of the padding; batches stay outside.
// CHECK-LABEL: func.func @odd
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<2x16x14x32xf32>
// CHECK:         %[[X:.*]] = tensor.insert_slice %arg0 into %[[FILL]][0, 1, 1, 0] [2, 13, 12, 32]
// CHECK:         linalg.generic {{.*}}ins(%[[X]], {{.*}} outs({{.*}}tensor<16x2x7x6x32xf32>
func.func @odd(%x: tensor<2x13x12x32xf32>, %w: tensor<3x3x32x16xf32> {fairway.kind = "parameter"}, %out: tensor<2x13x12x16xf32>) -> tensor<2x13x12x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x15x14x32xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x15x14x32xf32>) -> tensor<2x15x14x32xf32>
  %padded = tensor.insert_slice %x into %fill[0, 1, 1, 0] [2, 13, 12, 32] [1, 1, 1, 1] : tensor<2x13x12x32xf32> into tensor<2x15x14x32xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(n, h, w, o, kh, kw, c) -> (n, h + kh, w + kw, c)>, affine_map<(n, h, w, o, kh, kw, c) -> (kh, kw, c, o)>, affine_map<(n, h, w, o, kh, kw, c) -> (n, h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%padded, %w : tensor<2x15x14x32xf32>, tensor<3x3x32x16xf32>) outs(%out : tensor<2x13x12x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x13x12x16xf32>
  return %0 : tensor<2x13x12x16xf32>
}

// -----

// Without padding to grow in, an odd image gets some.
// CHECK-LABEL: func.func @odd_without_padding
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<16x14x32xf32>
// CHECK:         tensor.insert_slice %arg0 into %[[FILL]][0, 0, 0] [15, 14, 32]
func.func @odd_without_padding(%x: tensor<15x14x32xf32>, %w: tensor<32x32x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<13x12x32xf32>) -> tensor<13x12x32xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(o, h, w, c, kh, kw) -> (h + kh, w + kw, c)>, affine_map<(o, h, w, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(o, h, w, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<15x14x32xf32>, tensor<32x32x3x3xf32>) outs(%out : tensor<13x12x32xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<13x12x32xf32>
  return %0 : tensor<13x12x32xf32>
}

// -----

// A stride leaves nothing to share between results.
// CHECK-LABEL: func.func @stride
// CHECK-NOT:     tensor<16x4x4xf32>
func.func @stride(%x: tensor<33x33x32xf32>, %w: tensor<32x32x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<16x16x32xf32>) -> tensor<16x16x32xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(o, h, w, c, kh, kw) -> (h * 2 + kh, w * 2 + kw, c)>, affine_map<(o, h, w, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(o, h, w, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<33x33x32xf32>, tensor<32x32x3x3xf32>) outs(%out : tensor<16x16x32xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x16x32xf32>
  return %0 : tensor<16x16x32xf32>
}

// -----

// Transforms of three channels cost more than they spare.
// CHECK-LABEL: func.func @few_channels
// CHECK-NOT:     tensor<16x4x4xf32>
func.func @few_channels(%x: tensor<18x18x3xf32>, %w: tensor<32x3x3x3xf32> {fairway.kind = "parameter"}, %out: tensor<16x16x32xf32>) -> tensor<16x16x32xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(o, h, w, c, kh, kw) -> (h + kh, w + kw, c)>, affine_map<(o, h, w, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(o, h, w, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<18x18x3xf32>, tensor<32x3x3x3xf32>) outs(%out : tensor<16x16x32xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x16x32xf32>
  return %0 : tensor<16x16x32xf32>
}

// -----

// Weights that an inference computes would be transformed each time.
// CHECK-LABEL: func.func @computed_weight
// CHECK-NOT:     tensor<16x4x4xf32>
func.func @computed_weight(%x: tensor<18x18x32xf32>, %w: tensor<32x32x3x3xf32>, %out: tensor<16x16x32xf32>) -> tensor<16x16x32xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(o, h, w, c, kh, kw) -> (h + kh, w + kw, c)>, affine_map<(o, h, w, c, kh, kw) -> (o, c, kh, kw)>, affine_map<(o, h, w, c, kh, kw) -> (h, w, o)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%x, %w : tensor<18x18x32xf32>, tensor<32x32x3x3xf32>) outs(%out : tensor<16x16x32xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x16x32xf32>
  return %0 : tensor<16x16x32xf32>
}
