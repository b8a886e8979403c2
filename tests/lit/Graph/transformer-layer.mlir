// RUN: fairway-opt %s -fairway-graph-pipeline | FileCheck %s

// A layer of a transformer, as it is imported: attention with a bias on its
// scores, residual connections with layer norms, two layers with a GELU. It
// keeps one layout throughout: tokens outside, features in panels; heads are
// read and written where they are. Nothing is only moved, and the scores never
// leave their kernel.
// CHECK-LABEL: func.func public @main
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @matmul
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @matmul
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @matmul
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @attention
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @matmul
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @layer_norm
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @matmul
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @matmul
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: call @layer_norm
// CHECK-NOT: {{call @(transpose|copy|elementwise|softmax|batch_matmul|insert)}}
// CHECK: return

// Double precision is gone from the statistics.
// CHECK-LABEL: func.func private @layer_norm_0
// CHECK-NOT: {{arith.(addf|divf|mulf|subf).* f64}}
// CHECK: return

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1) -> (d1)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map6 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map7 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map8 = affine_map<(d0, d1, d2) -> (d2)>
module {
  func.func public @main(%arg0: tensor<64x64xf32> {fairway.kind = "parameter", fairway.name = "q.weight"}, %arg1: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "q.bias"}, %arg2: tensor<64x64xf32> {fairway.kind = "parameter", fairway.name = "k.weight"}, %arg3: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "k.bias"}, %arg4: tensor<64x64xf32> {fairway.kind = "parameter", fairway.name = "v.weight"}, %arg5: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "v.bias"}, %arg6: tensor<64x64xf32> {fairway.kind = "parameter", fairway.name = "o.weight"}, %arg7: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "o.bias"}, %arg8: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "n1.weight"}, %arg9: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "n1.bias"}, %arg10: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "n2.weight"}, %arg11: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "n2.bias"}, %arg12: tensor<128x64xf32> {fairway.kind = "parameter", fairway.name = "up.weight"}, %arg13: tensor<128xf32> {fairway.kind = "parameter", fairway.name = "up.bias"}, %arg14: tensor<64x128xf32> {fairway.kind = "parameter", fairway.name = "down.weight"}, %arg15: tensor<64xf32> {fairway.kind = "parameter", fairway.name = "down.bias"}, %arg16: tensor<1x32x64xf32> {fairway.kind = "input", fairway.name = "x"}, %arg17: tensor<1x1x1x32xf32> {fairway.kind = "input", fairway.name = "bias"}) -> (tensor<1x32x64xf32> {fairway.name = "output"}) {
    %cst = arith.constant 0.000000e+00 : f32
    %c0_i64 = arith.constant 0 : i64
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 0.000000e+00 : f64
    %cst_2 = arith.constant 1.000000e+00 : f32
    %cst_3 = arith.constant 5.000000e-01 : f32
    %cst_4 = arith.constant 1.000000e-05 : f64
    %cst_5 = arith.constant 2.500000e-01 : f32
    %cst_6 = arith.constant 6.400000e+01 : f64
    %cst_7 = arith.constant 6.400000e+01 : f32
    %cst_8 = arith.constant 1.41421354 : f32
    %collapsed = tensor.collapse_shape %arg16 [[0, 1], [2]] : tensor<1x32x64xf32> into tensor<32x64xf32>
    %0 = tensor.empty() : tensor<64x64xf32>
    %transposed = linalg.transpose ins(%arg0 : tensor<64x64xf32>) outs(%0 : tensor<64x64xf32>) permutation = [1, 0] 
    %1 = tensor.empty() : tensor<32x64xf32>
    %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %3 = linalg.matmul ins(%collapsed, %transposed : tensor<32x64xf32>, tensor<64x64xf32>) outs(%2 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%3, %arg1 : tensor<32x64xf32>, tensor<64xf32>) outs(%1 : tensor<32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<32x64xf32>
    %expanded = tensor.expand_shape %4 [[0, 1], [2, 3]] output_shape [1, 32, 4, 16] : tensor<32x64xf32> into tensor<1x32x4x16xf32>
    %5 = tensor.empty() : tensor<1x4x32x16xf32>
    %transposed_9 = linalg.transpose ins(%expanded : tensor<1x32x4x16xf32>) outs(%5 : tensor<1x4x32x16xf32>) permutation = [0, 2, 1, 3] 
    %transposed_10 = linalg.transpose ins(%arg2 : tensor<64x64xf32>) outs(%0 : tensor<64x64xf32>) permutation = [1, 0] 
    %6 = linalg.matmul ins(%collapsed, %transposed_10 : tensor<32x64xf32>, tensor<64x64xf32>) outs(%2 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %7 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%6, %arg3 : tensor<32x64xf32>, tensor<64xf32>) outs(%1 : tensor<32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<32x64xf32>
    %expanded_11 = tensor.expand_shape %7 [[0, 1], [2, 3]] output_shape [1, 32, 4, 16] : tensor<32x64xf32> into tensor<1x32x4x16xf32>
    %transposed_12 = linalg.transpose ins(%arg4 : tensor<64x64xf32>) outs(%0 : tensor<64x64xf32>) permutation = [1, 0] 
    %8 = linalg.matmul ins(%collapsed, %transposed_12 : tensor<32x64xf32>, tensor<64x64xf32>) outs(%2 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%8, %arg5 : tensor<32x64xf32>, tensor<64xf32>) outs(%1 : tensor<32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<32x64xf32>
    %expanded_13 = tensor.expand_shape %9 [[0, 1], [2, 3]] output_shape [1, 32, 4, 16] : tensor<32x64xf32> into tensor<1x32x4x16xf32>
    %transposed_14 = linalg.transpose ins(%expanded_13 : tensor<1x32x4x16xf32>) outs(%5 : tensor<1x4x32x16xf32>) permutation = [0, 2, 1, 3] 
    %10 = tensor.empty() : tensor<1x4x16x32xf32>
    %transposed_15 = linalg.transpose ins(%expanded_11 : tensor<1x32x4x16xf32>) outs(%10 : tensor<1x4x16x32xf32>) permutation = [0, 2, 3, 1] 
    %collapsed_16 = tensor.collapse_shape %transposed_9 [[0, 1], [2], [3]] : tensor<1x4x32x16xf32> into tensor<4x32x16xf32>
    %collapsed_17 = tensor.collapse_shape %transposed_15 [[0, 1], [2], [3]] : tensor<1x4x16x32xf32> into tensor<4x16x32xf32>
    %11 = tensor.empty() : tensor<4x32x32xf32>
    %12 = linalg.fill ins(%cst : f32) outs(%11 : tensor<4x32x32xf32>) -> tensor<4x32x32xf32>
    %13 = linalg.batch_matmul ins(%collapsed_16, %collapsed_17 : tensor<4x32x16xf32>, tensor<4x16x32xf32>) outs(%12 : tensor<4x32x32xf32>) -> tensor<4x32x32xf32>
    %expanded_18 = tensor.expand_shape %13 [[0, 1], [2], [3]] output_shape [1, 4, 32, 32] : tensor<4x32x32xf32> into tensor<1x4x32x32xf32>
    %14 = tensor.empty() : tensor<1x4x32x32xf32>
    %15 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_18 : tensor<1x4x32x32xf32>) outs(%14 : tensor<1x4x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.mulf %in, %cst_5 : f32
      linalg.yield %84 : f32
    } -> tensor<1x4x32x32xf32>
    %16 = linalg.generic {indexing_maps = [#map2, #map3, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%15, %arg17 : tensor<1x4x32x32xf32>, tensor<1x1x1x32xf32>) outs(%14 : tensor<1x4x32x32xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x4x32x32xf32>
    %17 = tensor.empty() : tensor<1x4x32xi64>
    %18 = linalg.fill ins(%c0_i64 : i64) outs(%17 : tensor<1x4x32xi64>) -> tensor<1x4x32xi64>
    %19 = tensor.empty() : tensor<1x4x32xf32>
    %20 = linalg.fill ins(%cst_0 : f32) outs(%19 : tensor<1x4x32xf32>) -> tensor<1x4x32xf32>
    %21:2 = linalg.generic {indexing_maps = [#map2, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%16 : tensor<1x4x32x32xf32>) outs(%20, %18 : tensor<1x4x32xf32>, tensor<1x4x32xi64>) {
    ^bb0(%in: f32, %out: f32, %out_33: i64):
      %84 = linalg.index 3 : index
      %85 = arith.index_cast %84 : index to i64
      %86 = arith.maximumf %in, %out : f32
      %87 = arith.cmpf ogt, %in, %out : f32
      %88 = arith.select %87, %85, %out_33 : i64
      linalg.yield %86, %88 : f32, i64
    } -> (tensor<1x4x32xf32>, tensor<1x4x32xi64>)
    %expanded_19 = tensor.expand_shape %21#0 [[0], [1], [2, 3]] output_shape [1, 4, 32, 1] : tensor<1x4x32xf32> into tensor<1x4x32x1xf32>
    %22 = linalg.generic {indexing_maps = [#map2, #map5, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%16, %expanded_19 : tensor<1x4x32x32xf32>, tensor<1x4x32x1xf32>) outs(%14 : tensor<1x4x32x32xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.subf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x4x32x32xf32>
    %23 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%22 : tensor<1x4x32x32xf32>) outs(%14 : tensor<1x4x32x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = math.exp %in : f32
      linalg.yield %84 : f32
    } -> tensor<1x4x32x32xf32>
    %24 = tensor.empty() : tensor<1x4x32x1xf32>
    %25 = linalg.fill ins(%cst : f32) outs(%24 : tensor<1x4x32x1xf32>) -> tensor<1x4x32x1xf32>
    %26 = linalg.generic {indexing_maps = [#map2, #map5], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%23 : tensor<1x4x32x32xf32>) outs(%25 : tensor<1x4x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.addf %in, %out : f32
      linalg.yield %84 : f32
    } -> tensor<1x4x32x1xf32>
    %27 = linalg.generic {indexing_maps = [#map2, #map5, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%23, %26 : tensor<1x4x32x32xf32>, tensor<1x4x32x1xf32>) outs(%14 : tensor<1x4x32x32xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.divf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x4x32x32xf32>
    %collapsed_20 = tensor.collapse_shape %27 [[0, 1], [2], [3]] : tensor<1x4x32x32xf32> into tensor<4x32x32xf32>
    %collapsed_21 = tensor.collapse_shape %transposed_14 [[0, 1], [2], [3]] : tensor<1x4x32x16xf32> into tensor<4x32x16xf32>
    %28 = tensor.empty() : tensor<4x32x16xf32>
    %29 = linalg.fill ins(%cst : f32) outs(%28 : tensor<4x32x16xf32>) -> tensor<4x32x16xf32>
    %30 = linalg.batch_matmul ins(%collapsed_20, %collapsed_21 : tensor<4x32x32xf32>, tensor<4x32x16xf32>) outs(%29 : tensor<4x32x16xf32>) -> tensor<4x32x16xf32>
    %expanded_22 = tensor.expand_shape %30 [[0, 1], [2], [3]] output_shape [1, 4, 32, 16] : tensor<4x32x16xf32> into tensor<1x4x32x16xf32>
    %31 = tensor.empty() : tensor<1x32x4x16xf32>
    %transposed_23 = linalg.transpose ins(%expanded_22 : tensor<1x4x32x16xf32>) outs(%31 : tensor<1x32x4x16xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_24 = tensor.collapse_shape %transposed_23 [[0, 1], [2, 3]] : tensor<1x32x4x16xf32> into tensor<32x64xf32>
    %transposed_25 = linalg.transpose ins(%arg6 : tensor<64x64xf32>) outs(%0 : tensor<64x64xf32>) permutation = [1, 0] 
    %32 = linalg.matmul ins(%collapsed_24, %transposed_25 : tensor<32x64xf32>, tensor<64x64xf32>) outs(%2 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %33 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%32, %arg7 : tensor<32x64xf32>, tensor<64xf32>) outs(%1 : tensor<32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<32x64xf32>
    %expanded_26 = tensor.expand_shape %33 [[0, 1], [2]] output_shape [1, 32, 64] : tensor<32x64xf32> into tensor<1x32x64xf32>
    %34 = tensor.empty() : tensor<1x32x64xf32>
    %35 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg16, %expanded_26 : tensor<1x32x64xf32>, tensor<1x32x64xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %36 = tensor.empty() : tensor<1x32x64xf64>
    %37 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%35 : tensor<1x32x64xf32>) outs(%36 : tensor<1x32x64xf64>) {
    ^bb0(%in: f32, %out: f64):
      %84 = arith.extf %in : f32 to f64
      linalg.yield %84 : f64
    } -> tensor<1x32x64xf64>
    %38 = tensor.empty() : tensor<1x32x1xf64>
    %39 = linalg.fill ins(%cst_1 : f64) outs(%38 : tensor<1x32x1xf64>) -> tensor<1x32x1xf64>
    %40 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%37 : tensor<1x32x64xf64>) outs(%39 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.addf %in, %out : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %41 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%40 : tensor<1x32x1xf64>) outs(%38 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.divf %in, %cst_6 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %42 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%37, %41 : tensor<1x32x64xf64>, tensor<1x32x1xf64>) outs(%36 : tensor<1x32x64xf64>) {
    ^bb0(%in: f64, %in_33: f64, %out: f64):
      %84 = arith.subf %in, %in_33 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x64xf64>
    %43 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%42, %42 : tensor<1x32x64xf64>, tensor<1x32x64xf64>) outs(%36 : tensor<1x32x64xf64>) {
    ^bb0(%in: f64, %in_33: f64, %out: f64):
      %84 = arith.mulf %in, %in_33 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x64xf64>
    %44 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%43 : tensor<1x32x64xf64>) outs(%39 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.addf %in, %out : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %45 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%44 : tensor<1x32x1xf64>) outs(%38 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.divf %in, %cst_6 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %46 = tensor.empty() : tensor<1x32x1xf32>
    %47 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%45 : tensor<1x32x1xf64>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f64, %out: f32):
      %84 = arith.truncf %in : f64 to f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %48 = linalg.fill ins(%cst : f32) outs(%46 : tensor<1x32x1xf32>) -> tensor<1x32x1xf32>
    %49 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%35 : tensor<1x32x64xf32>) outs(%48 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.addf %in, %out : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %50 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%49 : tensor<1x32x1xf32>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.divf %in, %cst_7 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %51 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%47 : tensor<1x32x1xf32>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.truncf %cst_4 : f64 to f32
      %85 = arith.addf %in, %84 : f32
      linalg.yield %85 : f32
    } -> tensor<1x32x1xf32>
    %52 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%51 : tensor<1x32x1xf32>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = math.rsqrt %in : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %53 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%35, %50 : tensor<1x32x64xf32>, tensor<1x32x1xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.subf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %54 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%53, %52 : tensor<1x32x64xf32>, tensor<1x32x1xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.mulf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %55 = linalg.generic {indexing_maps = [#map6, #map8, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%54, %arg8 : tensor<1x32x64xf32>, tensor<64xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.mulf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %56 = linalg.generic {indexing_maps = [#map6, #map8, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%55, %arg9 : tensor<1x32x64xf32>, tensor<64xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %collapsed_27 = tensor.collapse_shape %56 [[0, 1], [2]] : tensor<1x32x64xf32> into tensor<32x64xf32>
    %57 = tensor.empty() : tensor<64x128xf32>
    %transposed_28 = linalg.transpose ins(%arg12 : tensor<128x64xf32>) outs(%57 : tensor<64x128xf32>) permutation = [1, 0] 
    %58 = tensor.empty() : tensor<32x128xf32>
    %59 = linalg.fill ins(%cst : f32) outs(%58 : tensor<32x128xf32>) -> tensor<32x128xf32>
    %60 = linalg.matmul ins(%collapsed_27, %transposed_28 : tensor<32x64xf32>, tensor<64x128xf32>) outs(%59 : tensor<32x128xf32>) -> tensor<32x128xf32>
    %61 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%60, %arg13 : tensor<32x128xf32>, tensor<128xf32>) outs(%58 : tensor<32x128xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<32x128xf32>
    %expanded_29 = tensor.expand_shape %61 [[0, 1], [2]] output_shape [1, 32, 128] : tensor<32x128xf32> into tensor<1x32x128xf32>
    %62 = tensor.empty() : tensor<1x32x128xf32>
    %63 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_29 : tensor<1x32x128xf32>) outs(%62 : tensor<1x32x128xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.divf %in, %cst_8 : f32
      %85 = math.erf %84 : f32
      %86 = arith.addf %85, %cst_2 : f32
      %87 = arith.mulf %86, %cst_3 : f32
      %88 = arith.mulf %in, %87 : f32
      linalg.yield %88 : f32
    } -> tensor<1x32x128xf32>
    %collapsed_30 = tensor.collapse_shape %63 [[0, 1], [2]] : tensor<1x32x128xf32> into tensor<32x128xf32>
    %64 = tensor.empty() : tensor<128x64xf32>
    %transposed_31 = linalg.transpose ins(%arg14 : tensor<64x128xf32>) outs(%64 : tensor<128x64xf32>) permutation = [1, 0] 
    %65 = linalg.matmul ins(%collapsed_30, %transposed_31 : tensor<32x128xf32>, tensor<128x64xf32>) outs(%2 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %66 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%65, %arg15 : tensor<32x64xf32>, tensor<64xf32>) outs(%1 : tensor<32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<32x64xf32>
    %expanded_32 = tensor.expand_shape %66 [[0, 1], [2]] output_shape [1, 32, 64] : tensor<32x64xf32> into tensor<1x32x64xf32>
    %67 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%56, %expanded_32 : tensor<1x32x64xf32>, tensor<1x32x64xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %68 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%67 : tensor<1x32x64xf32>) outs(%36 : tensor<1x32x64xf64>) {
    ^bb0(%in: f32, %out: f64):
      %84 = arith.extf %in : f32 to f64
      linalg.yield %84 : f64
    } -> tensor<1x32x64xf64>
    %69 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%68 : tensor<1x32x64xf64>) outs(%39 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.addf %in, %out : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %70 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%69 : tensor<1x32x1xf64>) outs(%38 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.divf %in, %cst_6 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %71 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%68, %70 : tensor<1x32x64xf64>, tensor<1x32x1xf64>) outs(%36 : tensor<1x32x64xf64>) {
    ^bb0(%in: f64, %in_33: f64, %out: f64):
      %84 = arith.subf %in, %in_33 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x64xf64>
    %72 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%71, %71 : tensor<1x32x64xf64>, tensor<1x32x64xf64>) outs(%36 : tensor<1x32x64xf64>) {
    ^bb0(%in: f64, %in_33: f64, %out: f64):
      %84 = arith.mulf %in, %in_33 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x64xf64>
    %73 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%72 : tensor<1x32x64xf64>) outs(%39 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.addf %in, %out : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %74 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%73 : tensor<1x32x1xf64>) outs(%38 : tensor<1x32x1xf64>) {
    ^bb0(%in: f64, %out: f64):
      %84 = arith.divf %in, %cst_6 : f64
      linalg.yield %84 : f64
    } -> tensor<1x32x1xf64>
    %75 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%74 : tensor<1x32x1xf64>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f64, %out: f32):
      %84 = arith.truncf %in : f64 to f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %76 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%67 : tensor<1x32x64xf32>) outs(%48 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.addf %in, %out : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %77 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%76 : tensor<1x32x1xf32>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.divf %in, %cst_7 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %78 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%75 : tensor<1x32x1xf32>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = arith.truncf %cst_4 : f64 to f32
      %85 = arith.addf %in, %84 : f32
      linalg.yield %85 : f32
    } -> tensor<1x32x1xf32>
    %79 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%78 : tensor<1x32x1xf32>) outs(%46 : tensor<1x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %84 = math.rsqrt %in : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x1xf32>
    %80 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%67, %77 : tensor<1x32x64xf32>, tensor<1x32x1xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.subf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %81 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%80, %79 : tensor<1x32x64xf32>, tensor<1x32x1xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.mulf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %82 = linalg.generic {indexing_maps = [#map6, #map8, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%81, %arg10 : tensor<1x32x64xf32>, tensor<64xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.mulf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    %83 = linalg.generic {indexing_maps = [#map6, #map8, #map6], iterator_types = ["parallel", "parallel", "parallel"]} ins(%82, %arg11 : tensor<1x32x64xf32>, tensor<64xf32>) outs(%34 : tensor<1x32x64xf32>) {
    ^bb0(%in: f32, %in_33: f32, %out: f32):
      %84 = arith.addf %in, %in_33 : f32
      linalg.yield %84 : f32
    } -> tensor<1x32x64xf32>
    return %83 : tensor<1x32x64xf32>
  }
}

