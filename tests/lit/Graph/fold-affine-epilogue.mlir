// RUN: fairway-opt %s -fairway-fold-affine-epilogue | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>

// (A*B - mean) * scale, then relu: the scale goes into B, the rest is a shift.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[A:.*]]: tensor<2x3xf32>, %[[B:[a-z0-9]*]]: tensor<3x4xf32>
// CHECK: %[[SCALE:.*]] = linalg.generic
// CHECK: -> tensor<4xf32>
// CHECK: %[[SHIFT:.*]] = linalg.generic
// CHECK: -> tensor<4xf32>
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[SCALE]]
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[SCALED]]
// CHECK: linalg.generic {{.*}} ins(%[[Y]], {{.*}}%[[SHIFT]]
// CHECK: arith.addf
// CHECK-NOT: arith.mulf
// CHECK: arith.maximumf
func.func @main(%x: tensor<2x3xf32>, %w: tensor<3x4xf32> {fairway.kind = "parameter"},
                %mean: tensor<4xf32> {fairway.kind = "buffer"},
                %scale: tensor<4xf32> {fairway.kind = "parameter"}) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%f : tensor<2x4xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  %z = linalg.generic {indexing_maps = [#id, #n, #n, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y, %mean, %scale : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%i: f32, %m: f32, %s: f32, %out: f32):
    %d = arith.subf %i, %m : f32
    %q = arith.mulf %d, %s : f32
    %r = arith.maximumf %q, %zero : f32
    linalg.yield %r : f32
  } -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

// A scale that is not a parameter stays where it is.
// CHECK-LABEL: func.func @dynamic_scale
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.mulf
func.func @dynamic_scale(%x: tensor<2x3xf32>, %w: tensor<3x4xf32> {fairway.kind = "parameter"},
                         %scale: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%f : tensor<2x4xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  %z = linalg.generic {indexing_maps = [#id, #n, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y, %scale : tensor<2x4xf32>, tensor<4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%i: f32, %s: f32, %out: f32):
    %q = arith.mulf %i, %s : f32
    linalg.yield %q : f32
  } -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}
