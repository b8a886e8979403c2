// RUN: fairway-opt %s -fairway-form-kernels | FileCheck %s

// What a kernel computes and what crosses its boundary.

#id = affine_map<(d0, d1) -> (d0, d1)>

// A gather reads as many rows of the table as it writes, not all of them; the
// computation of the index is no arithmetic: 4 * 4 (indices) + 2 * 4 * 8 * 4.
// CHECK: func.func private @gather_0
// CHECK-SAME: fairway.bytes = 272 : i64, fairway.flops = 0 : i64
func.func @main(%table: tensor<1000x8xf32>, %ids: tensor<4xi32>, %image: tensor<9x9x16xf32>,
                %w: tensor<16x16xbf16>, %y: tensor<5x5x16xbf16>)
    -> (tensor<4x8xf32>, tensor<5x5x16xf32>, tensor<5x5x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%i: i32, %o: f32):
    %row = arith.index_cast %i : i32 to index
    %column = linalg.index 1 : index
    %v = tensor.extract %table[%row, %column] : tensor<1000x8xf32>
    linalg.yield %v : f32
  } -> tensor<4x8xf32>

  // Stride 2 with a window of 1: 5 * 5 of the 9 * 9 pixels are read. One sum.
  // 2 * 25 * 16 * 4 bytes.
  // CHECK: func.func private @elementwise_0
  // CHECK-SAME: fairway.bytes = 3200 : i64, fairway.flops = 400 : i64
  %f = tensor.empty() : tensor<5x5x16xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(h, w, c) -> (h * 2, w * 2, c)>,
                                        affine_map<(h, w, c) -> (h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%image : tensor<9x9x16xf32>) outs(%f : tensor<5x5x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<5x5x16xf32>

  // Widening is no arithmetic: 2 for each of 5 * 5 * 16 * 16.
  // 2 * 16 * 16 + 2 * 5 * 5 * 16 + 4 * 5 * 5 * 16 bytes.
  // CHECK: func.func private @matmul_0
  // CHECK-SAME: fairway.bytes = 2912 : i64, fairway.flops = 12800 : i64
  %g = linalg.fill ins(%zero : f32) outs(%f : tensor<5x5x16xf32>) -> tensor<5x5x16xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(h, w, c, k) -> (h, w, k)>,
                                        affine_map<(h, w, c, k) -> (k, c)>,
                                        affine_map<(h, w, c, k) -> (h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%y, %w : tensor<5x5x16xbf16>, tensor<16x16xbf16>) outs(%g : tensor<5x5x16xf32>) {
  ^bb0(%a: bf16, %b: bf16, %acc: f32):
    %p = arith.extf %a : bf16 to f32
    %q = arith.extf %b : bf16 to f32
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<5x5x16xf32>
  return %0, %1, %2 : tensor<4x8xf32>, tensor<5x5x16xf32>, tensor<5x5x16xf32>
}
