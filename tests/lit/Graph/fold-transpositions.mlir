// RUN: fairway-opt %s -fairway-fold-transpositions -canonicalize | FileCheck %s

#id = affine_map<(i, j, k) -> (i, j, k)>
#t = affine_map<(i, j, k) -> (j, i, k)>
#u = affine_map<(i, j, k) -> (k, i, j)>
#q = affine_map<(h, q, k, d) -> (h, q, d)>
#k = affine_map<(h, q, k, d) -> (h, d, k)>
#s = affine_map<(h, q, k, d) -> (h, q, k)>

// CHECK-DAG: #[[Q:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>
// CHECK-DAG: #[[S:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d2)>

// Queries are read where they are, scores are written where they are wanted.
// Keys are vectors along their last dimension and stay transposed.
// CHECK-LABEL: func.func @heads
// CHECK: %[[K:.*]] = linalg.generic
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[Q]], #{{.*}}, #[[S]]]
// CHECK-SAME: ins(%arg0, %[[K]] :
// CHECK-SAME: outs(%{{.*}} : tensor<8x2x16xf32>)
// CHECK: math.absf
func.func @heads(%q: tensor<8x2x4xf32>, %k: tensor<16x2x4xf32>) -> tensor<8x2x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<2x8x4xf32>
  %e1 = tensor.empty() : tensor<2x4x16xf32>
  %e2 = tensor.empty() : tensor<2x8x16xf32>
  %e3 = tensor.empty() : tensor<8x2x16xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %qt = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q : tensor<8x2x4xf32>) outs(%e0 : tensor<2x8x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<2x8x4xf32>
  %kt = linalg.generic {indexing_maps = [#u, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%k : tensor<16x2x4xf32>) outs(%e1 : tensor<2x4x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<2x4x16xf32>
  %s = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%qt, %kt : tensor<2x8x4xf32>, tensor<2x4x16xf32>) outs(%f2 : tensor<2x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x8x16xf32>
  %y = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x16xf32>) outs(%e3 : tensor<8x2x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = math.absf %a : f32
    linalg.yield %r : f32
  } -> tensor<8x2x16xf32>
  return %y : tensor<8x2x16xf32>
}
