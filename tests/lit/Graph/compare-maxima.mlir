// RUN: fairway-opt %s -fairway-compare-maxima | FileCheck %s

#id = affine_map<(q, k) -> (q, k)>
#row = affine_map<(q, k) -> (q)>

// CHECK-LABEL: func.func @with_maximum
// CHECK: %[[MAX:.*]] = linalg.generic
// CHECK: arith.maximumf
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel"]} ins(%[[MAX]] : tensor<8xf32>) outs(%{{.*}} : tensor<8xi8>)
// CHECK-NOT: arith.andi
// CHECK: arith.cmpf oeq, %{{.*}} : f32
// CHECK: return
func.func @with_maximum(%s: tensor<8x16xf32>) -> (tensor<8xf32>, tensor<8xi8>) {
  %low = arith.constant 0xFF800000 : f32
  %wide = arith.constant 0xFFF0000000000000 : f64
  %one = arith.constant 1 : i8
  %e0 = tensor.empty() : tensor<8xf32>
  %e1 = tensor.empty() : tensor<8xi8>
  %f0 = linalg.fill ins(%low : f32) outs(%e0 : tensor<8xf32>) -> tensor<8xf32>
  %f1 = linalg.fill ins(%one : i8) outs(%e1 : tensor<8xi8>) -> tensor<8xi8>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%s : tensor<8x16xf32>) outs(%f0 : tensor<8xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %r = arith.maximumf %a, %acc : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %all = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%s : tensor<8x16xf32>) outs(%f1 : tensor<8xi8>) {
  ^bb0(%a: f32, %acc: i8):
    %d = arith.extf %a : f32 to f64
    %c = arith.cmpf oeq, %d, %wide : f64
    %b = arith.trunci %acc : i8 to i1
    %x = arith.andi %c, %b : i1
    %r = arith.extui %x : i1 to i8
    linalg.yield %r : i8
  } -> tensor<8xi8>
  return %max, %all : tensor<8xf32>, tensor<8xi8>
}

// Without a maximum, and for another bound, every element is looked at.
// CHECK-LABEL: func.func @without
// CHECK: arith.maximumf
// CHECK: arith.andi
// CHECK: return
func.func @without(%s: tensor<8x16xf32>) -> (tensor<8xf32>, tensor<8xi8>) {
  %low = arith.constant 0xFF800000 : f32
  %bound = arith.constant -1.0 : f32
  %one = arith.constant 1 : i8
  %e0 = tensor.empty() : tensor<8xf32>
  %e1 = tensor.empty() : tensor<8xi8>
  %f0 = linalg.fill ins(%low : f32) outs(%e0 : tensor<8xf32>) -> tensor<8xf32>
  %f1 = linalg.fill ins(%one : i8) outs(%e1 : tensor<8xi8>) -> tensor<8xi8>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%s : tensor<8x16xf32>) outs(%f0 : tensor<8xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %r = arith.maximumf %a, %acc : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %all = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%s : tensor<8x16xf32>) outs(%f1 : tensor<8xi8>) {
  ^bb0(%a: f32, %acc: i8):
    %c = arith.cmpf oeq, %a, %bound : f32
    %b = arith.trunci %acc : i8 to i1
    %x = arith.andi %c, %b : i1
    %r = arith.extui %x : i1 to i8
    linalg.yield %r : i8
  } -> tensor<8xi8>
  return %max, %all : tensor<8xf32>, tensor<8xi8>
}
