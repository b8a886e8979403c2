// RUN: fairway-opt %s -fairway-block-weights=vector-bits=128 | FileCheck %s --check-prefixes=CHECK,SSE
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
