// RUN: fairway-opt %s --fairway-mark-varying --split-input-file --verify-diagnostics | FileCheck %s
// RUN: fairway-opt %s --pass-pipeline='builtin.module(fairway-mark-varying,builtin.module(fairway-hoist-parameters))' --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=HOIST

// What an operation does to parameters alone is prepared, unless it depends on
// a size that stays open: positions of a table, as many as there are tokens.

// CHECK-LABEL: sample = 1009
// CHECK: linalg.transpose
// CHECK-NOT: fairway.varying
// CHECK: tensor.empty() {fairway.varying}
// CHECK: linalg.generic
// CHECK: } -> tensor<1009x4xf32>

// HOIST-LABEL: sample = 1009
// HOIST: func.func public @main(
// HOIST-NOT: fairway.varying
// HOIST: linalg.generic
// HOIST: func.func @prepare
// HOIST: linalg.transpose
// HOIST-NOT: linalg.generic
// HOIST-LABEL: sample = 1082
module {
  module attributes {fairway.sizes = [{name = "tokens", min = 1, max = 64, hint = 8, sample = 1009}]} {
    func.func public @main(%table: tensor<2048x4xf32> {fairway.kind = "parameter"}, %w: tensor<4x8xf32> {fairway.kind = "parameter"}) -> (tensor<1009x4xf32>, tensor<8x4xf32>) {
      %e = tensor.empty() : tensor<8x4xf32>
      %t = linalg.transpose ins(%w : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
      %0 = tensor.empty() : tensor<1009x4xf32>
      %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%0 : tensor<1009x4xf32>) {
      ^bb0(%out: f32):
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %x = tensor.extract %table[%i, %j] : tensor<2048x4xf32>
        linalg.yield %x : f32
      } -> tensor<1009x4xf32>
      return %1, %t : tensor<1009x4xf32>, tensor<8x4xf32>
    }
  }
  module attributes {fairway.sizes = [{name = "tokens", min = 1, max = 64, hint = 8, sample = 1082}]} {
    func.func public @main(%table: tensor<2048x4xf32> {fairway.kind = "parameter"}, %w: tensor<4x8xf32> {fairway.kind = "parameter"}) -> (tensor<1082x4xf32>, tensor<8x4xf32>) {
      %e = tensor.empty() : tensor<8x4xf32>
      %t = linalg.transpose ins(%w : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>) permutation = [1, 0]
      %0 = tensor.empty() : tensor<1082x4xf32>
      %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%0 : tensor<1082x4xf32>) {
      ^bb0(%out: f32):
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %x = tensor.extract %table[%i, %j] : tensor<2048x4xf32>
        linalg.yield %x : f32
      } -> tensor<1082x4xf32>
      return %1, %t : tensor<1082x4xf32>, tensor<8x4xf32>
    }
  }
}

// -----

// Other operations for other sizes.
module {
  module attributes {fairway.sizes = [{name = "n", min = 1, max = 64, hint = 8, sample = 1009}]} {
    func.func public @main(%x: tensor<1009xf32>) -> tensor<1009xf32> {
      // expected-error @+1 {{unsupported operation: what it does depends on sizes that are to stay open}}
      %0 = math.exp %x : tensor<1009xf32>
      return %0 : tensor<1009xf32>
    }
  }
  module attributes {fairway.sizes = [{name = "n", min = 1, max = 64, hint = 8, sample = 1082}]} {
    func.func public @main(%x: tensor<1082xf32>) -> tensor<1082xf32> {
      %0 = math.log %x : tensor<1082xf32>
      return %0 : tensor<1082xf32>
    }
  }
}
