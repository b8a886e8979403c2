// RUN: fairway-opt %s -fairway-generalize -fairway-assign-layout | FileCheck %s

// conv -> relu -> conv: one transposition at the input, one at the output.
// CHECK-LABEL: func.func @main
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<1x3x8x8xf32>)
// CHECK: -> tensor<1x8x8x3xf32>
// CHECK: linalg.generic
// CHECK: -> tensor<1x6x6x4xf32>
// CHECK: arith.maximumf
// CHECK: -> tensor<1x6x6x4xf32>
// CHECK: -> tensor<1x4x4x5xf32>
// CHECK: linalg.generic
// CHECK: -> tensor<1x5x4x4xf32>
// CHECK-NEXT: return
func.func @main(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32> {fairway.kind = "parameter"},
                %v: tensor<5x4x3x3xf32> {fairway.kind = "parameter"}) -> tensor<1x5x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4x6x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %y = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>)
                                outs(%f : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y : tensor<1x4x6x6xf32>) outs(%e : tensor<1x4x6x6xf32>) {
  ^bb0(%i: f32, %out: f32):
    %m = arith.maximumf %i, %zero : f32
    linalg.yield %m : f32
  } -> tensor<1x4x6x6xf32>
  %e2 = tensor.empty() : tensor<1x5x4x4xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<1x5x4x4xf32>) -> tensor<1x5x4x4xf32>
  %z = linalg.conv_2d_nchw_fchw ins(%r, %v : tensor<1x4x6x6xf32>, tensor<5x4x3x3xf32>)
                                outs(%f2 : tensor<1x5x4x4xf32>) -> tensor<1x5x4x4xf32>
  return %z : tensor<1x5x4x4xf32>
}

// A matrix product has no image.
// CHECK-LABEL: func.func @matmul
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT: linalg.generic
func.func @matmul(%a: tensor<2x3xf32>, %b: tensor<3x4xf32> {fairway.kind = "parameter"},
                  %c: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<2x3xf32>, tensor<3x4xf32>)
                     outs(%c : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Groups and their channels move together: dividing and merging channels stays
// a view, and slices of an image are images.
// CHECK-LABEL: func.func @grouped
// CHECK: %[[X:.*]] = linalg.generic {{.*}} ins(%arg0 : tensor<1x8x9x9xf32>)
// CHECK: %[[S:.*]] = tensor.extract_slice %[[X]][0, 1, 1, 0] [1, 8, 8, 8] [1, 1, 1, 1]
// CHECK: %[[G:.*]] = tensor.expand_shape %[[S]] {{\[}}[0], [1], [2], [3, 4]] output_shape [1, 8, 8, 2, 4]
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[G]], %arg1
// CHECK: -> tensor<1x6x6x2x3xf32>
// CHECK: tensor.collapse_shape %[[Y]] {{\[}}[0], [1], [2], [3, 4]] : tensor<1x6x6x2x3xf32> into tensor<1x6x6x6xf32>
// CHECK: arith.maximumf
// CHECK: -> tensor<1x6x6x6xf32>
func.func @grouped(%x: tensor<1x8x9x9xf32>, %w: tensor<2x3x4x3x3xf32> {fairway.kind = "parameter"}) -> tensor<1x6x6x6xf32> {
  %zero = arith.constant 0.0 : f32
  %s = tensor.extract_slice %x[0, 0, 1, 1] [1, 8, 8, 8] [1, 1, 1, 1] : tensor<1x8x9x9xf32> to tensor<1x8x8x8xf32>
  %g = tensor.expand_shape %s [[0], [1, 2], [3], [4]] output_shape [1, 2, 4, 8, 8] : tensor<1x8x8x8xf32> into tensor<1x2x4x8x8xf32>
  %e = tensor.empty() : tensor<1x2x3x6x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x3x6x6xf32>) -> tensor<1x2x3x6x6xf32>
  %y = linalg.conv_2d_ngchw_gfchw ins(%g, %w : tensor<1x2x4x8x8xf32>, tensor<2x3x4x3x3xf32>)
                                  outs(%f : tensor<1x2x3x6x6xf32>) -> tensor<1x2x3x6x6xf32>
  %c = tensor.collapse_shape %y [[0], [1, 2], [3], [4]] : tensor<1x2x3x6x6xf32> into tensor<1x6x6x6xf32>
  %e2 = tensor.empty() : tensor<1x6x6x6xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%c : tensor<1x6x6x6xf32>) outs(%e2 : tensor<1x6x6x6xf32>) {
  ^bb0(%i: f32, %out: f32):
    %m = arith.maximumf %i, %zero : f32
    linalg.yield %m : f32
  } -> tensor<1x6x6x6xf32>
  return %r : tensor<1x6x6x6xf32>
}
