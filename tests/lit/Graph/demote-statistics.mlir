// RUN: fairway-opt %s -fairway-demote-statistics -canonicalize -split-input-file | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i, 0)>

// The variance of a layer norm, as importers write it.
// CHECK-LABEL: func.func @variance
// CHECK-NOT: f64
// CHECK: arith.divf %{{.*}}, %{{.*}} : f32
// CHECK: arith.subf {{.*}} : f32
// CHECK: arith.mulf {{.*}} : f32
// CHECK-NOT: f64
// CHECK: return {{.*}} : tensor<4x1xf32>
func.func @variance(%x: tensor<4x768xf32>) -> tensor<4x1xf32> {
  %zero = arith.constant 0.0 : f64
  %n = arith.constant 768.0 : f64
  %wide = tensor.empty() : tensor<4x768xf64>
  %stat = tensor.empty() : tensor<4x1xf64>
  %single = tensor.empty() : tensor<4x1xf32>
  %fill = linalg.fill ins(%zero : f64) outs(%stat : tensor<4x1xf64>) -> tensor<4x1xf64>
  %d = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x768xf32>) outs(%wide : tensor<4x768xf64>) {
  ^bb0(%in: f32, %out: f64):
    %e = arith.extf %in : f32 to f64
    linalg.yield %e : f64
  } -> tensor<4x768xf64>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%d : tensor<4x768xf64>) outs(%fill : tensor<4x1xf64>) {
  ^bb0(%in: f64, %out: f64):
    %a = arith.addf %in, %out : f64
    linalg.yield %a : f64
  } -> tensor<4x1xf64>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<4x1xf64>) outs(%stat : tensor<4x1xf64>) {
  ^bb0(%in: f64, %out: f64):
    %q = arith.divf %in, %n : f64
    linalg.yield %q : f64
  } -> tensor<4x1xf64>
  %c = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%d, %mean : tensor<4x768xf64>, tensor<4x1xf64>) outs(%wide : tensor<4x768xf64>) {
  ^bb0(%in: f64, %m: f64, %out: f64):
    %s = arith.subf %in, %m : f64
    linalg.yield %s : f64
  } -> tensor<4x768xf64>
  %sq = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%c, %c : tensor<4x768xf64>, tensor<4x768xf64>) outs(%wide : tensor<4x768xf64>) {
  ^bb0(%in: f64, %m: f64, %out: f64):
    %s = arith.mulf %in, %m : f64
    linalg.yield %s : f64
  } -> tensor<4x768xf64>
  %sums = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%sq : tensor<4x768xf64>) outs(%fill : tensor<4x1xf64>) {
  ^bb0(%in: f64, %out: f64):
    %a = arith.addf %in, %out : f64
    linalg.yield %a : f64
  } -> tensor<4x1xf64>
  %var = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sums : tensor<4x1xf64>) outs(%stat : tensor<4x1xf64>) {
  ^bb0(%in: f64, %out: f64):
    %q = arith.divf %in, %n : f64
    linalg.yield %q : f64
  } -> tensor<4x1xf64>
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%var : tensor<4x1xf64>) outs(%single : tensor<4x1xf32>) {
  ^bb0(%in: f64, %out: f32):
    %q = arith.truncf %in : f64 to f32
    linalg.yield %q : f32
  } -> tensor<4x1xf32>
  return %t : tensor<4x1xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i, 0)>

// A sum that the model asks for in double precision.
// CHECK-LABEL: func.func @sum
// CHECK: arith.extf
// CHECK: arith.addf {{.*}} : f64
func.func @sum(%x: tensor<4x768xf32>) -> tensor<4x1xf32> {
  %zero = arith.constant 0.0 : f64
  %wide = tensor.empty() : tensor<4x768xf64>
  %stat = tensor.empty() : tensor<4x1xf64>
  %single = tensor.empty() : tensor<4x1xf32>
  %fill = linalg.fill ins(%zero : f64) outs(%stat : tensor<4x1xf64>) -> tensor<4x1xf64>
  %d = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x768xf32>) outs(%wide : tensor<4x768xf64>) {
  ^bb0(%in: f32, %out: f64):
    %e = arith.extf %in : f32 to f64
    linalg.yield %e : f64
  } -> tensor<4x768xf64>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%d : tensor<4x768xf64>) outs(%fill : tensor<4x1xf64>) {
  ^bb0(%in: f64, %out: f64):
    %a = arith.addf %in, %out : f64
    linalg.yield %a : f64
  } -> tensor<4x1xf64>
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<4x1xf64>) outs(%single : tensor<4x1xf32>) {
  ^bb0(%in: f64, %out: f32):
    %q = arith.truncf %in : f64 to f32
    linalg.yield %q : f32
  } -> tensor<4x1xf32>
  return %t : tensor<4x1xf32>
}
