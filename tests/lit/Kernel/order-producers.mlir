// RUN: fairway-opt %s -fairway-order-producers | FileCheck %s

#id = affine_map<(q, k) -> (q, k)>
#row = affine_map<(q, k) -> (q)>
#p = affine_map<(q, d, k) -> (q, k)>
#v = affine_map<(q, d, k) -> (k, d)>
#o = affine_map<(q, d, k) -> (q, d)>

// The sum is computed before the contraction, which its fill and the division
// enclose.
// CHECK-LABEL: func.func @attention
// CHECK: %[[E:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[E]] :
// CHECK: %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<8x4xf32>
// CHECK-NEXT: %[[O:.*]] = linalg.generic {{.*}} ins(%[[E]], %{{.*}} outs(%[[FILL]] :
// CHECK-NOT: linalg.generic
// CHECK: linalg.generic {{.*}} ins(%[[O]], %[[SUM]] :
func.func @attention(%s: tensor<8x16xf32>, %v: tensor<16x4xf32>, %out: tensor<8x4xf32>)
    -> tensor<8x4xf32> attributes {fairway.kernel = "attention"} {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<8x16xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %e2 = tensor.empty() : tensor<8x4xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<8x4xf32>) -> tensor<8x4xf32>
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<8x16xf32>) outs(%e0 : tensor<8x16xf32>) {
  ^bb0(%a: f32, %unused: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<8x16xf32>
  %o = linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%e, %v : tensor<8x16xf32>, tensor<16x4xf32>) outs(%f2 : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %m : f32
    linalg.yield %r : f32
  } -> tensor<8x4xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<8x16xf32>) outs(%f1 : tensor<8xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %r = arith.addf %a, %acc : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%o, %sum : tensor<8x4xf32>, tensor<8xf32>) outs(%out : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %unused: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// Entries keep their order.
// CHECK-LABEL: func.func @entry
// CHECK: linalg.fill {{.*}} -> tensor<8xf32>
// CHECK: linalg.fill {{.*}} -> tensor<4xf32>
// CHECK: return
func.func @entry() -> (tensor<4xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<8xf32>
  %e2 = tensor.empty() : tensor<4xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<4xf32>) -> tensor<4xf32>
  return %f2, %f1 : tensor<4xf32>, tensor<8xf32>
}
