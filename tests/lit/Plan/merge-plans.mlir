// RUN: fairway-opt %s --fairway-samples-kernel-pipeline --fairway-samples-plan-pipeline | FileCheck %s

// The samples' plans become one: an allocation that each call lays out, an input
// and an output whose first extent is expression 0, the batch.

// CHECK: module attributes
// CHECK-SAME: fairway.expressions = {{\[\[}}[1, 1]]
// CHECK-SAME: fairway.inputs = [{dtype = "float32", name = "x", shape = [1009, 8]}]
// CHECK-SAME: fairway.run = {allocations = {{\[\[}}32288, 0, 0]], arena_bytes = 0
// CHECK-SAME: buffers = {{\[\[}}4, 0, 0, 0, 0, 0, 0], [1, 0, 0, 32288, 0, 0, 0], [3, 0, 0, 32, 0, 0, 0], [0, 0, 0, 32288, 1, 0, 1]]
// CHECK-SAME: dimensions = {{\[\[}}1009, {{[0-9]+}}], [8, 8]]
// CHECK-SAME: fairway.varying = {{\[\[}}0, 0, 0, 0], [1, 0, 0, 0], [2,
// CHECK-NOT: module
// CHECK: func.func private @
module {
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1009}]} {
    func.func @main(%x: tensor<1009x8xf32> {fairway.kind = "input", fairway.name = "x", fairway.dtype = "float32"}, %w: tensor<8xf32> {fairway.kind = "parameter", fairway.name = "w", fairway.dtype = "float32"}) -> (tensor<1009x8xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
      %a = tensor.empty() : tensor<1009x8xf32>
      %0 = call @scale(%x, %w, %a) : (tensor<1009x8xf32>, tensor<8xf32>, tensor<1009x8xf32>) -> tensor<1009x8xf32>
      %b = tensor.empty() : tensor<1009x8xf32>
      %1 = call @scale(%0, %w, %b) : (tensor<1009x8xf32>, tensor<8xf32>, tensor<1009x8xf32>) -> tensor<1009x8xf32>
      return %1 : tensor<1009x8xf32>
    }
    func.func private @scale(%x: tensor<1009x8xf32>, %w: tensor<8xf32>, %y: tensor<1009x8xf32>) -> tensor<1009x8xf32> attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 8072 : i64, fairway.bytes = 64608 : i64} {
      %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%x, %w : tensor<1009x8xf32>, tensor<8xf32>) outs(%y : tensor<1009x8xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32
      } -> tensor<1009x8xf32>
      return %0 : tensor<1009x8xf32>
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1082}]} {
    func.func @main(%x: tensor<1082x8xf32> {fairway.kind = "input", fairway.name = "x", fairway.dtype = "float32"}, %w: tensor<8xf32> {fairway.kind = "parameter", fairway.name = "w", fairway.dtype = "float32"}) -> (tensor<1082x8xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
      %a = tensor.empty() : tensor<1082x8xf32>
      %0 = call @scale(%x, %w, %a) : (tensor<1082x8xf32>, tensor<8xf32>, tensor<1082x8xf32>) -> tensor<1082x8xf32>
      %b = tensor.empty() : tensor<1082x8xf32>
      %1 = call @scale(%0, %w, %b) : (tensor<1082x8xf32>, tensor<8xf32>, tensor<1082x8xf32>) -> tensor<1082x8xf32>
      return %1 : tensor<1082x8xf32>
    }
    func.func private @scale(%x: tensor<1082x8xf32>, %w: tensor<8xf32>, %y: tensor<1082x8xf32>) -> tensor<1082x8xf32> attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 8656 : i64, fairway.bytes = 69280 : i64} {
      %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%x, %w : tensor<1082x8xf32>, tensor<8xf32>) outs(%y : tensor<1082x8xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32
      } -> tensor<1082x8xf32>
      return %0 : tensor<1082x8xf32>
    }
  }
  module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 4, sample = 1151}]} {
    func.func @main(%x: tensor<1151x8xf32> {fairway.kind = "input", fairway.name = "x", fairway.dtype = "float32"}, %w: tensor<8xf32> {fairway.kind = "parameter", fairway.name = "w", fairway.dtype = "float32"}) -> (tensor<1151x8xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
      %a = tensor.empty() : tensor<1151x8xf32>
      %0 = call @scale(%x, %w, %a) : (tensor<1151x8xf32>, tensor<8xf32>, tensor<1151x8xf32>) -> tensor<1151x8xf32>
      %b = tensor.empty() : tensor<1151x8xf32>
      %1 = call @scale(%0, %w, %b) : (tensor<1151x8xf32>, tensor<8xf32>, tensor<1151x8xf32>) -> tensor<1151x8xf32>
      return %1 : tensor<1151x8xf32>
    }
    func.func private @scale(%x: tensor<1151x8xf32>, %w: tensor<8xf32>, %y: tensor<1151x8xf32>) -> tensor<1151x8xf32> attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 9208 : i64, fairway.bytes = 73696 : i64} {
      %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%x, %w : tensor<1151x8xf32>, tensor<8xf32>) outs(%y : tensor<1151x8xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32
      } -> tensor<1151x8xf32>
      return %0 : tensor<1151x8xf32>
    }
  }
}
