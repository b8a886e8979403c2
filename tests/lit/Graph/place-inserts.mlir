// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-place-inserts -cse | FileCheck %s

#id = affine_map<(h, w, c, i) -> (h, w, c, i)>
#id3 = affine_map<(h, w, c) -> (h, w, c)>

// Unit dimensions go, and the reshape of blocked channels moves behind the
// insertion: the producer's own result is inserted.
// CHECK-LABEL: func.func @pad
// CHECK:         %[[RELU:.*]] = linalg.generic
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<10x10x4x16xf32>
// CHECK:         %[[PAD:.*]] = tensor.insert_slice %[[RELU]] into %[[FILL]][1, 1, 0, 0] [8, 8, 4, 16]
// CHECK:         %[[OUT:.*]] = tensor.collapse_shape %[[PAD]] {{\[\[}}0], [1], [2, 3]]
// CHECK:         return %[[OUT]]
func.func @pad(%x: tensor<8x8x4x16xf32>) -> tensor<10x10x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x8x4x16xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<8x8x4x16xf32>) outs(%e : tensor<8x8x4x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %zero : f32
    linalg.yield %r : f32
  } -> tensor<8x8x4x16xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<8x8x4x16xf32> into tensor<8x8x64xf32>
  %pe = tensor.empty() : tensor<1x10x10x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%pe : tensor<1x10x10x64xf32>) -> tensor<1x10x10x64xf32>
  %2 = tensor.insert_slice %1 into %fill[0, 1, 1, 0] [1, 8, 8, 64] [1, 1, 1, 1] : tensor<8x8x64xf32> into tensor<1x10x10x64xf32>
  %3 = tensor.collapse_shape %2 [[0, 1], [2], [3]] : tensor<1x10x10x64xf32> into tensor<10x10x64xf32>
  return %3 : tensor<10x10x64xf32>
}

// A value that is padded and used otherwise lives in the padded tensor; the
// narrower of two paddings is a window of the wider.
// CHECK-LABEL: func.func @share
// CHECK:         %[[RELU:.*]] = linalg.generic
// CHECK:         %[[PAD:.*]] = tensor.insert_slice %[[RELU]] into %{{.*}}[2, 2, 0] [8, 8, 16] {{.*}} into tensor<12x12x16xf32>
// CHECK-DAG:     %[[IN:.*]] = tensor.extract_slice %[[PAD]][2, 2, 0] [8, 8, 16]
// CHECK-DAG:     %[[NARROW:.*]] = tensor.extract_slice %[[PAD]][1, 1, 0] [10, 10, 16]
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[IN]], %[[IN]]
// CHECK:         return %[[NARROW]], %[[PAD]], %[[SUM]]
func.func @share(%x: tensor<8x8x16xf32>) -> (tensor<10x10x16xf32>, tensor<12x12x16xf32>, tensor<8x8x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x8x16xf32>
  %0 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<8x8x16xf32>) outs(%e : tensor<8x8x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %zero : f32
    linalg.yield %r : f32
  } -> tensor<8x8x16xf32>
  %e1 = tensor.empty() : tensor<10x10x16xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<10x10x16xf32>) -> tensor<10x10x16xf32>
  %1 = tensor.insert_slice %0 into %f1[1, 1, 0] [8, 8, 16] [1, 1, 1] : tensor<8x8x16xf32> into tensor<10x10x16xf32>
  %e2 = tensor.empty() : tensor<12x12x16xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<12x12x16xf32>) -> tensor<12x12x16xf32>
  %2 = tensor.insert_slice %0 into %f2[2, 2, 0] [8, 8, 16] [1, 1, 1] : tensor<8x8x16xf32> into tensor<12x12x16xf32>
  %3 = linalg.generic {indexing_maps = [#id3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%0, %0 : tensor<8x8x16xf32>, tensor<8x8x16xf32>) outs(%e : tensor<8x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<8x8x16xf32>
  return %1, %2, %3 : tensor<10x10x16xf32>, tensor<12x12x16xf32>, tensor<8x8x16xf32>
}

// The parts of a padded concatenation go into the padded tensor.
// CHECK-LABEL: func.func @concat
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<10x8xf32>
// CHECK:         %[[A:.*]] = tensor.insert_slice %arg0 into %[[FILL]][1, 0] [8, 4]
// CHECK:         %[[B:.*]] = tensor.insert_slice %arg1 into %[[A]][1, 4] [8, 4]
// CHECK:         return %[[B]]
func.func @concat(%a: tensor<8x4xf32>, %b: tensor<8x4xf32>) -> tensor<10x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x8xf32>
  %0 = tensor.insert_slice %a into %e[0, 0] [8, 4] [1, 1] : tensor<8x4xf32> into tensor<8x8xf32>
  %1 = tensor.insert_slice %b into %0[0, 4] [8, 4] [1, 1] : tensor<8x4xf32> into tensor<8x8xf32>
  %pe = tensor.empty() : tensor<10x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%pe : tensor<10x8xf32>) -> tensor<10x8xf32>
  %2 = tensor.insert_slice %1 into %fill[1, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<10x8xf32>
  return %2 : tensor<10x8xf32>
}

// So do parts that lie between each other, and those that come in blocks.
// CHECK-LABEL: func.func @interleaved
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<10x2x4xf32>
// CHECK:         %[[A:.*]] = tensor.insert_slice %arg0 into %[[FILL]][1, 0, 0] [4, 2, 4] [2, 1, 1]
// CHECK:         %[[B:.*]] = tensor.insert_slice %arg1 into %[[A]][2, 0, 0] [4, 2, 4] [2, 1, 1]
// CHECK:         tensor.collapse_shape %[[B]]
func.func @interleaved(%a: tensor<4x2x4xf32>, %b: tensor<4x2x4xf32>) -> tensor<10x8xf32> {
  %zero = arith.constant 0.0 : f32
  %ca = tensor.collapse_shape %a [[0], [1, 2]] : tensor<4x2x4xf32> into tensor<4x8xf32>
  %cb = tensor.collapse_shape %b [[0], [1, 2]] : tensor<4x2x4xf32> into tensor<4x8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %0 = tensor.insert_slice %ca into %e[0, 0] [4, 8] [2, 1] : tensor<4x8xf32> into tensor<8x8xf32>
  %1 = tensor.insert_slice %cb into %0[1, 0] [4, 8] [2, 1] : tensor<4x8xf32> into tensor<8x8xf32>
  %pe = tensor.empty() : tensor<10x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%pe : tensor<10x8xf32>) -> tensor<10x8xf32>
  %2 = tensor.insert_slice %1 into %fill[1, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<10x8xf32>
  return %2 : tensor<10x8xf32>
}

// Blocks that the offset cuts, and elements left out, stay as they are.
// CHECK-LABEL: func.func @leave
// CHECK:         tensor.collapse_shape
// CHECK:         tensor.insert_slice %{{.*}}[3] [64] [1]
// CHECK:         tensor.insert_slice %{{.*}}[0] [64] [2]
func.func @leave(%x: tensor<4x16xf32>, %d: tensor<70xf32>, %e: tensor<128xf32>) -> (tensor<70xf32>, tensor<128xf32>) {
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<4x16xf32> into tensor<64xf32>
  %1 = tensor.insert_slice %0 into %d[3] [64] [1] : tensor<64xf32> into tensor<70xf32>
  %2 = tensor.insert_slice %0 into %e[0] [64] [2] : tensor<64xf32> into tensor<128xf32>
  return %1, %2 : tensor<70xf32>, tensor<128xf32>
}
