// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-graph-pipeline -split-input-file | FileCheck %s

#image = affine_map<(n, c, h, w) -> (n, c, h, w)>

// A residual block: the image is transposed where it enters (into its halo) and
// where it leaves and nowhere else; between its convolutions nothing is padded
// or copied.
// CHECK-LABEL: func.func @main
// CHECK:         call @transpose_{{.*}} -> tensor<58x58x64xf32>
// CHECK-NOT:     call
// CHECK:         call @winograd_{{.*}} -> tensor<58x58x4x16xf32>
// CHECK-NOT:     call
// CHECK:         call @winograd_{{.*}} -> tensor<56x56x4x16xf32>
// CHECK-NOT:     call
// CHECK:         call @elementwise_0({{.*}} -> tensor<4x16x56x56xf32>
// CHECK-NOT:     call
// CHECK:         return
func.func @main(%x: tensor<1x64x56x56xf32> {fairway.name = "x", fairway.kind = "input", fairway.dtype = "float32"},
                %w0: tensor<64x64x3x3xf32> {fairway.name = "w0", fairway.kind = "parameter", fairway.dtype = "float32"},
                %w1: tensor<64x64x3x3xf32> {fairway.name = "w1", fairway.kind = "parameter", fairway.dtype = "float32"})
    -> (tensor<1x64x56x56xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x64x56x56xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
  %p0 = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
  %c0 = linalg.conv_2d_nchw_fchw ins(%p0, %w0 : tensor<1x64x58x58xf32>, tensor<64x64x3x3xf32>) outs(%fill : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
  %r0 = linalg.generic {indexing_maps = [#image, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c0 : tensor<1x64x56x56xf32>) outs(%e : tensor<1x64x56x56xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %zero : f32
    linalg.yield %r : f32
  } -> tensor<1x64x56x56xf32>
  %p1 = tensor.pad %r0 low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x64x56x56xf32> to tensor<1x64x58x58xf32>
  %c1 = linalg.conv_2d_nchw_fchw ins(%p1, %w1 : tensor<1x64x58x58xf32>, tensor<64x64x3x3xf32>) outs(%fill : tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
  %s = linalg.generic {indexing_maps = [#image, #image, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c1, %x : tensor<1x64x56x56xf32>, tensor<1x64x56x56xf32>) outs(%e : tensor<1x64x56x56xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.addf %a, %b : f32
    %r = arith.maximumf %t, %zero : f32
    linalg.yield %r : f32
  } -> tensor<1x64x56x56xf32>
  return %s : tensor<1x64x56x56xf32>
}

// -----

#image = affine_map<(n, c, h, w) -> (n, c, h, w)>

// An inverted residual block: expansion, depthwise convolution, projection with
// the sum; the same, but that the first convolution reads the model's input as
// it comes.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     call
// CHECK:         call @matmul_0({{.*}} -> tensor<16x16x6x16xf32>
// CHECK-NOT:     call
// CHECK:         call @depthwise_conv_0({{.*}} -> tensor<14x14x96xf32>
// CHECK-NOT:     call
// CHECK:         call @matmul_1({{.*}} -> tensor<14x14x2x16xf32>
// CHECK-NOT:     call
// CHECK:         call @elementwise_0({{.*}} -> tensor<2x16x14x14xf32>
// CHECK-NOT:     call
// CHECK:         return
func.func @main(%x: tensor<1x32x14x14xf32> {fairway.name = "x", fairway.kind = "input", fairway.dtype = "float32"},
                %w0: tensor<96x32x1x1xf32> {fairway.name = "w0", fairway.kind = "parameter", fairway.dtype = "float32"},
                %w1: tensor<96x3x3xf32> {fairway.name = "w1", fairway.kind = "parameter", fairway.dtype = "float32"},
                %w2: tensor<32x96x1x1xf32> {fairway.name = "w2", fairway.kind = "parameter", fairway.dtype = "float32"})
    -> (tensor<1x32x14x14xf32> {fairway.name = "y", fairway.dtype = "float32"}) {
  %zero = arith.constant 0.0 : f32
  %six = arith.constant 6.0 : f32
  %e = tensor.empty() : tensor<1x32x14x14xf32>
  %e96 = tensor.empty() : tensor<1x96x14x14xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e : tensor<1x32x14x14xf32>) -> tensor<1x32x14x14xf32>
  %fill96 = linalg.fill ins(%zero : f32) outs(%e96 : tensor<1x96x14x14xf32>) -> tensor<1x96x14x14xf32>
  %c0 = linalg.conv_2d_nchw_fchw ins(%x, %w0 : tensor<1x32x14x14xf32>, tensor<96x32x1x1xf32>) outs(%fill96 : tensor<1x96x14x14xf32>) -> tensor<1x96x14x14xf32>
  %r0 = linalg.generic {indexing_maps = [#image, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c0 : tensor<1x96x14x14xf32>) outs(%e96 : tensor<1x96x14x14xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %zero : f32
    %m = arith.minimumf %r, %six : f32
    linalg.yield %m : f32
  } -> tensor<1x96x14x14xf32>
  %p0 = tensor.pad %r0 low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x96x14x14xf32> to tensor<1x96x16x16xf32>
  %d = linalg.depthwise_conv_2d_nchw_chw ins(%p0, %w1 : tensor<1x96x16x16xf32>, tensor<96x3x3xf32>) outs(%fill96 : tensor<1x96x14x14xf32>) -> tensor<1x96x14x14xf32>
  %r1 = linalg.generic {indexing_maps = [#image, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%d : tensor<1x96x14x14xf32>) outs(%e96 : tensor<1x96x14x14xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %zero : f32
    %m = arith.minimumf %r, %six : f32
    linalg.yield %m : f32
  } -> tensor<1x96x14x14xf32>
  %c1 = linalg.conv_2d_nchw_fchw ins(%r1, %w2 : tensor<1x96x14x14xf32>, tensor<32x96x1x1xf32>) outs(%fill : tensor<1x32x14x14xf32>) -> tensor<1x32x14x14xf32>
  %s = linalg.generic {indexing_maps = [#image, #image, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%c1, %x : tensor<1x32x14x14xf32>, tensor<1x32x14x14xf32>) outs(%e : tensor<1x32x14x14xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = arith.addf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<1x32x14x14xf32>
  return %s : tensor<1x32x14x14xf32>
}
