// RUN: fairway-opt %s -fairway-defer-divisions -split-input-file | FileCheck %s

#id = affine_map<(h, q, k) -> (h, q, k)>
#row = affine_map<(h, q, k) -> (h, q)>
#p = affine_map<(h, q, d, k) -> (h, q, k)>
#v = affine_map<(h, q, d, k) -> (h, k, d)>
#o = affine_map<(h, q, d, k) -> (h, q, d)>

// The contraction reads the exponentials; its result is divided.
// CHECK-LABEL: func.func @attention
// CHECK: %[[E:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: %[[SUM:.*]] = linalg.generic
// CHECK: arith.addf
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[E]], %{{.*}} :
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[O]], %[[SUM]] : tensor<2x8x4xf32>, tensor<2x8xf32>)
// CHECK: arith.divf
// CHECK: return %[[Y]]
func.func @attention(%s: tensor<2x8x16xf32>, %v: tensor<2x16x4xf32>) -> tensor<2x8x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<2x8x16xf32>
  %e1 = tensor.empty() : tensor<2x8xf32>
  %e2 = tensor.empty() : tensor<2x8x4xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x16xf32>) outs(%e0 : tensor<2x8x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<2x8x16xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%e : tensor<2x8x16xf32>) outs(%f1 : tensor<2x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = arith.addf %a, %out : f32
    linalg.yield %r : f32
  } -> tensor<2x8xf32>
  %w = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e, %sum : tensor<2x8x16xf32>, tensor<2x8xf32>) outs(%e0 : tensor<2x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x8x16xf32>
  %y = linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%w, %v : tensor<2x8x16xf32>, tensor<2x16x4xf32>) outs(%f2 : tensor<2x8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x8x4xf32>
  return %y : tensor<2x8x4xf32>
}

// -----

#id = affine_map<(q, k) -> (q, k)>
#row = affine_map<(q, k) -> (q)>
#p = affine_map<(q, d, k) -> (q, k)>
#v = affine_map<(q, d, k) -> (k, d)>
#o = affine_map<(q, d, k) -> (q, d)>

// Any other quotient may be needed to keep the products small.
// CHECK-LABEL: func.func @other
// CHECK: %[[W:.*]] = linalg.generic
// CHECK: arith.divf
// CHECK: linalg.generic {{.*}} ins(%[[W]], %{{.*}} :
// CHECK-NOT: arith.divf
func.func @other(%s: tensor<8x16xf32>, %l: tensor<8xf32>, %v: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<8x16xf32>
  %e2 = tensor.empty() : tensor<8x4xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<8x4xf32>) -> tensor<8x4xf32>
  %w = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s, %l : tensor<8x16xf32>, tensor<8xf32>) outs(%e0 : tensor<8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<8x16xf32>
  %y = linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %v : tensor<8x16xf32>, tensor<16x4xf32>) outs(%f2 : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %m : f32
    linalg.yield %r : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

#id = affine_map<(q, k) -> (q, k)>
#row = affine_map<(q, k) -> (q)>
#p = affine_map<(q, d, k) -> (q, k)>
#v = affine_map<(q, d, k) -> (k, d)>
#o = affine_map<(q, d, k) -> (q, d)>

// Zeros for rows that are masked altogether follow the contraction, too.
// CHECK-LABEL: func.func @masked
// CHECK-SAME: %[[M:[a-z0-9]+]]: tensor<8xi8>
// CHECK: %[[E:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: %[[SUM:.*]] = linalg.generic
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[E]], %{{.*}} :
// CHECK: linalg.generic {{.*}} ins(%[[M]], %[[O]], %[[SUM]] : tensor<8xi8>, tensor<8x4xf32>, tensor<8xf32>)
// CHECK: arith.divf
// CHECK: arith.select
// CHECK: return
func.func @masked(%s: tensor<8x16xf32>, %m: tensor<8xi8>, %v: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<8x16xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %e2 = tensor.empty() : tensor<8x4xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<8x4xf32>) -> tensor<8x4xf32>
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<8x16xf32>) outs(%e0 : tensor<8x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<8x16xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<8x16xf32>) outs(%f1 : tensor<8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = arith.addf %a, %out : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %w = linalg.generic {indexing_maps = [#row, #id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%m, %e, %sum : tensor<8xi8>, tensor<8x16xf32>, tensor<8xf32>) outs(%e0 : tensor<8x16xf32>) {
  ^bb0(%c: i8, %a: f32, %b: f32, %out: f32):
    %q = arith.divf %a, %b : f32
    %n = arith.trunci %c : i8 to i1
    %r = arith.select %n, %zero, %q : f32
    linalg.yield %r : f32
  } -> tensor<8x16xf32>
  %y = linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %v : tensor<8x16xf32>, tensor<16x4xf32>) outs(%f2 : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %t = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %t : f32
    linalg.yield %r : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
