// RUN: fairway-opt %s -fairway-block-weights=vector-bits=128 | FileCheck %s --check-prefixes=CHECK,SSE
// RUN: fairway-opt %s -fairway-block-weights=vector-bits=256 | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: fairway-opt %s -fairway-block-weights=vector-bits=512 | FileCheck %s --check-prefixes=CHECK,AVX512

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Panels are two vectors wide.
// CHECK-LABEL: func.func @matmul
// SSE: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [16, 8, 8]
// SSE: -> tensor<8x16x8xf32>
// SSE: -> tensor<5x8x8xf32>
// AVX512: -> tensor<2x16x32xf32>
// AVX512: -> tensor<5x2x32xf32>
// CHECK: tensor.collapse_shape {{.*}} into tensor<5x64xf32>
func.func @matmul(%x: tensor<5x16xf32>, %w: tensor<16x64xf32> {fairway.kind = "parameter"},
                  %init: tensor<5x64xf32>) -> tensor<5x64xf32> {
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x16xf32>, tensor<16x64xf32>) outs(%init : tensor<5x64xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x64xf32>
  return %y : tensor<5x64xf32>
}

// 72 columns are panels of three vectors of eight; of four, two do.
// CHECK-LABEL: func.func @three_vectors
// SSE: -> tensor<9x16x8xf32>
// AVX2: -> tensor<3x16x24xf32>
func.func @three_vectors(%x: tensor<5x16xf32>, %w: tensor<16x72xf32> {fairway.kind = "parameter"},
                         %init: tensor<5x72xf32>) -> tensor<5x72xf32> {
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x16xf32>, tensor<16x72xf32>) outs(%init : tensor<5x72xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x72xf32>
  return %y : tensor<5x72xf32>
}

// Two activations: nothing is known when loading.
// CHECK-LABEL: func.func @activations
// CHECK-NOT: tensor.expand_shape
func.func @activations(%x: tensor<5x16xf32>, %w: tensor<16x64xf32>, %init: tensor<5x64xf32>) -> tensor<5x64xf32> {
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x16xf32>, tensor<16x64xf32>) outs(%init : tensor<5x64xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x64xf32>
  return %y : tensor<5x64xf32>
}

// No panel divides the vocabulary: the weight is filled up with zeros, and what
// they give is left out of the result.
// CHECK-LABEL: func.func @vocabulary
// SSE: tensor.insert_slice %arg1 into %{{.*}}[0, 0] [16, 1001] [1, 1] : tensor<16x1001xf32> into tensor<16x1008xf32>
// SSE: -> tensor<5x126x8xf32>
// SSE: tensor.extract_slice %{{.*}}[0, 0] [5, 1001] [1, 1] : tensor<5x1008xf32> to tensor<5x1001xf32>
// AVX512: tensor<16x1024xf32>
func.func @vocabulary(%x: tensor<5x16xf32>, %w: tensor<16x1001xf32> {fairway.kind = "parameter"}) -> tensor<5x1001xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x1001xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<5x1001xf32>) -> tensor<5x1001xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x16xf32>, tensor<16x1001xf32>) outs(%init : tensor<5x1001xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x1001xf32>
  return %y : tensor<5x1001xf32>
}
