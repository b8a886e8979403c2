// RUN: fairway-opt %s -fairway-generalize | FileCheck %s

// CHECK-LABEL: func.func @matmul
// CHECK: linalg.fill
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel", "reduction"]
func.func @matmul(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %c = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<2x3xf32>, tensor<3x4xf32>)
                     outs(%f : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A generic that writes one value everywhere is a fill.
// CHECK-LABEL: func.func @fill
// CHECK-NOT: linalg.generic
// CHECK: linalg.fill
func.func @fill() -> tensor<2xi64> {
  %c = arith.constant 7 : i64
  %e = tensor.empty() : tensor<2xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      outs(%e : tensor<2xi64>) {
  ^bb0(%out: i64):
    linalg.yield %c : i64
  } -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// A generic that counts is not.
// CHECK-LABEL: func.func @iota
// CHECK: linalg.generic
func.func @iota() -> tensor<2xindex> {
  %e = tensor.empty() : tensor<2xindex>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      outs(%e : tensor<2xindex>) {
  ^bb0(%out: index):
    %i = linalg.index 0 : index
    linalg.yield %i : index
  } -> tensor<2xindex>
  return %0 : tensor<2xindex>
}
