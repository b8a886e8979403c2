// RUN: fairway-opt %s -fairway-legalize-bools | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<4xi8> {fairway.dtype = "bool"}
// CHECK-SAME: -> (tensor<4xi8> {fairway.dtype = "bool"})
// CHECK: arith.constant dense<[1, 0, 1, 0]> : tensor<4xi8>
// CHECK: ^bb0(%[[A:.*]]: i8, %{{.*}}: i8, %{{.*}}: i8):
// CHECK: arith.trunci %[[A]] : i8 to i1
// CHECK: arith.andi %{{.*}} : i1
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func @main(%x: tensor<4xi1>) -> tensor<4xi1> {
  %m = arith.constant dense<[true, false, true, false]> : tensor<4xi1>
  %e = tensor.empty() : tensor<4xi1>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
      ins(%x, %m : tensor<4xi1>, tensor<4xi1>) outs(%e : tensor<4xi1>) {
  ^bb0(%a: i1, %b: i1, %out: i1):
    %c = arith.andi %a, %b : i1
    linalg.yield %c : i1
  } -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// Other integers stay as they are.
// CHECK-LABEL: func.func @integers
// CHECK-SAME: tensor<4xi32>
func.func @integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  return %x : tensor<4xi32>
}
