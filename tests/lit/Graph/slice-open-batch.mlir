// RUN: fairway-opt %s --split-input-file --fairway-slice-batch="machine={l2-bytes=4096 l3-bytes=0} threads=1" | FileCheck %s

// A call cuts an open batch into slices of as many samples as the cache holds;
// the code is the same.
// CHECK-LABEL: module attributes
// CHECK-SAME: fairway.slice = [0, 1]
// CHECK: call @scale
// CHECK-NOT: extract_slice
module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 1, sample = 1009}]} {
  func.func @main(%x: tensor<1009x16x16xf32> {fairway.kind = "input"}) -> tensor<1009x16x16xf32> {
    %e = tensor.empty() : tensor<1009x16x16xf32>
    %0 = call @scale(%x, %e) : (tensor<1009x16x16xf32>, tensor<1009x16x16xf32>) -> tensor<1009x16x16xf32>
    return %0 : tensor<1009x16x16xf32>
  }
  func.func private @scale(%x: tensor<1009x16x16xf32>, %out: tensor<1009x16x16xf32>) -> tensor<1009x16x16xf32> attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 258304 : i64, fairway.bytes = 2066432 : i64} {
    %0 = linalg.generic {indexing_maps = [affine_map<(n, a, b) -> (n, a, b)>, affine_map<(n, a, b) -> (n, a, b)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<1009x16x16xf32>) outs(%out : tensor<1009x16x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<1009x16x16xf32>
    return %0 : tensor<1009x16x16xf32>
  }
}

// -----

// Samples that meet are not cut apart.
// CHECK-LABEL: module attributes
// CHECK-NOT: fairway.slice
// CHECK: call @total
module attributes {fairway.sizes = [{name = "batch", min = 1, max = 64, hint = 1, sample = 1009}]} {
  func.func @main(%x: tensor<1009x256xf32> {fairway.kind = "input"}) -> tensor<256xf32> {
    %e = tensor.empty() : tensor<256xf32>
    %0 = call @total(%x, %e) : (tensor<1009x256xf32>, tensor<256xf32>) -> tensor<256xf32>
    return %0 : tensor<256xf32>
  }
  func.func private @total(%x: tensor<1009x256xf32>, %out: tensor<256xf32>) -> tensor<256xf32> attributes {fairway.kernel = "reduce", fairway.num_outs = 1 : i64, fairway.flops = 258304 : i64, fairway.bytes = 1034240 : i64} {
    %zero = arith.constant 0.0 : f32
    %z = linalg.fill ins(%zero : f32) outs(%out : tensor<256xf32>) -> tensor<256xf32>
    %0 = linalg.generic {indexing_maps = [affine_map<(b, n) -> (n, b)>, affine_map<(b, n) -> (b)>], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<1009x256xf32>) outs(%z : tensor<256xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %o : f32
      linalg.yield %s : f32
    } -> tensor<256xf32>
    return %0 : tensor<256xf32>
  }
}
