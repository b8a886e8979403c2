// RUN: fairway-opt %s -fairway-pad-scratch | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#t = affine_map<(i, j) -> (j, i)>

// Transposed keys get a cache line between their rows; short rows stay.
// CHECK-LABEL: func.func @keys
// CHECK: %[[LONG:.*]] = tensor.empty() : tensor<64x272xf32>
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[LONG]][0, 0] [64, 256] [1, 1]
// CHECK: linalg.generic {{.*}} outs(%[[ROWS]] :
// CHECK: %[[SHORT:.*]] = tensor.empty() : tensor<256x64xf32>
// CHECK: linalg.generic {{.*}} outs(%[[SHORT]] :
func.func @keys(%k: tensor<256x64xf32>, %out: tensor<256x64xf32>) -> tensor<256x64xf32>
    attributes {fairway.kernel = "attention"} {
  %e = tensor.empty() : tensor<64x256xf32>
  %a = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
      ins(%k : tensor<256x64xf32>) outs(%e : tensor<64x256xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  } -> tensor<64x256xf32>
  %f = tensor.empty() : tensor<256x64xf32>
  %b = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<64x256xf32>) outs(%f : tensor<256x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  } -> tensor<256x64xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b : tensor<256x64xf32>) outs(%out : tensor<256x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %r = arith.negf %x : f32
    linalg.yield %r : f32
  } -> tensor<256x64xf32>
  return %c : tensor<256x64xf32>
}

// -----

// Places of transformed blocks, 14336 bytes apart, would share two sets; a plane more
// between them and a longer row spread them to all.
// CHECK-LABEL: func.func @places
// CHECK:         tensor.empty() : tensor<16x3x28x80xf32>
func.func @places(%x: tensor<6x58x64xf32>) -> tensor<16x2x28x64xf32> attributes {fairway.kernel = "winograd"} {
  %table = arith.constant dense<1.0> : tensor<16x4x4xf32>
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<16x2x28x64xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<16x2x28x64xf32>) -> tensor<16x2x28x64xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(k, i, j, c, r, s) -> (i * 2 + r, j * 2 + s, c)>, affine_map<(k, i, j, c, r, s) -> (k, r, s)>, affine_map<(k, i, j, c, r, s) -> (k, i, j, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%x, %table : tensor<6x58x64xf32>, tensor<16x4x4xf32>) outs(%1 : tensor<16x2x28x64xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x2x28x64xf32>
  return %2 : tensor<16x2x28x64xf32>
}
