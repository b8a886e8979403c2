// RUN: fairway-opt %s -fairway-hoist-parameters | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#t = affine_map<(m, n) -> (n, m)>
#row = affine_map<(m, n) -> (n)>

// The transposed weight is prepared; the bias is used as it is; broadcasting
// the bias to a large activation is not worth preparing.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<512x64xf32>
// CHECK-SAME: %[[B:.*]]: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "b"}
// CHECK-SAME: %[[P:.*]]: tensor<64x64xf32> {fairway.kind = "prepared", fairway.name = "prepared.0", fairway.prepared = 0 : i64}
// CHECK-NOT: fairway.name = "w"
// CHECK: linalg.generic {{.*}} ins(%[[B]]
// CHECK: linalg.matmul ins(%[[X]], %[[P]]
// CHECK-LABEL: func.func @prepare
// CHECK-SAME: tensor<64x64xf32> {fairway.kind = "parameter", fairway.name = "w"}) -> tensor<64x64xf32>
// CHECK: linalg.generic
// CHECK: return
func.func @main(%x: tensor<512x64xf32>,
                %w: tensor<64x64xf32> {fairway.kind = "parameter", fairway.name = "w"},
                %b: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "b"}) -> tensor<512x64xf32> {
  %e = tensor.empty() : tensor<64x64xf32>
  %t = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<64x64xf32>) outs(%e : tensor<64x64xf32>) {
  ^bb0(%i: f32, %out: f32):
    linalg.yield %i : f32
  } -> tensor<64x64xf32>
  %e2 = tensor.empty() : tensor<512x64xf32>
  %init = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b : tensor<64xf32>) outs(%e2 : tensor<512x64xf32>) {
  ^bb0(%i: f32, %out: f32):
    linalg.yield %i : f32
  } -> tensor<512x64xf32>
  %y = linalg.matmul ins(%x, %t : tensor<512x64xf32>, tensor<64x64xf32>)
                     outs(%init : tensor<512x64xf32>) -> tensor<512x64xf32>
  return %y : tensor<512x64xf32>
}
