// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-pad-strides -split-input-file | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, k) -> (m, k)>

// Rows of 4096 bytes become a cache line longer; every reader sees the part
// that counts. The model's input stays as it is.
// CHECK-LABEL: func.func @main
// CHECK:         %[[X:.*]] = linalg.generic
// CHECK:         %[[E:.*]] = tensor.empty() : tensor<64x1040xf32>
// CHECK:         %[[P:.*]] = tensor.insert_slice %[[X]] into %[[E]][0, 0] [64, 1024] [1, 1]
// CHECK:         %[[R:.*]] = tensor.extract_slice %[[P]][0, 0] [64, 1024] [1, 1]
// CHECK:         linalg.generic {{.*}} ins(%[[R]], %{{.*}} : tensor<64x1024xf32>, tensor<1024x32xf32>)
// CHECK:         linalg.generic {{.*}} ins(%arg0, %{{.*}} : tensor<64x1024xf32>, tensor<1024x32xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[R]], %[[R]] : tensor<64x1024xf32>, tensor<64x1024xf32>)
func.func @main(%x: tensor<64x1024xf32> {fairway.kind = "input"},
                %w: tensor<1024x32xf32> {fairway.kind = "parameter"},
                %fill: tensor<64x32xf32>, %e: tensor<64x1024xf32>)
    -> (tensor<64x32xf32>, tensor<64x32xf32>, tensor<64x1024xf32>) {
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<64x1024xf32>) outs(%e : tensor<64x1024xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x1024xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%r, %w : tensor<64x1024xf32>, tensor<1024x32xf32>) outs(%fill : tensor<64x32xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<64x32xf32>
  %z = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : tensor<64x1024xf32>, tensor<1024x32xf32>) outs(%fill : tensor<64x32xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<64x32xf32>
  %t = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%r, %r : tensor<64x1024xf32>, tensor<64x1024xf32>) outs(%e : tensor<64x1024xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.mulf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<64x1024xf32>
  return %y, %z, %t : tensor<64x32xf32>, tensor<64x32xf32>, tensor<64x1024xf32>
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, k) -> (m, k)>

// Rows of other lengths fall into different sets by themselves, and a value
// that leaves the model has the shape that its caller knows.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     tensor.insert_slice
func.func @main(%x: tensor<64x768xf32> {fairway.kind = "input"},
                %v: tensor<64x1024xf32> {fairway.kind = "input"},
                %w: tensor<768x32xf32> {fairway.kind = "parameter"},
                %u: tensor<1024x32xf32> {fairway.kind = "parameter"},
                %fill: tensor<64x32xf32>, %e: tensor<64x768xf32>, %f: tensor<64x1024xf32>)
    -> (tensor<64x32xf32>, tensor<64x32xf32>, tensor<64x1024xf32>) {
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<64x768xf32>) outs(%e : tensor<64x768xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x768xf32>
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<64x1024xf32>) outs(%f : tensor<64x1024xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x1024xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%r, %w : tensor<64x768xf32>, tensor<768x32xf32>) outs(%fill : tensor<64x32xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<64x32xf32>
  %z = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%t, %u : tensor<64x1024xf32>, tensor<1024x32xf32>) outs(%fill : tensor<64x32xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<64x32xf32>
  return %y, %z, %t : tensor<64x32xf32>, tensor<64x32xf32>, tensor<64x1024xf32>
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, p, v) -> (m, p, v)>

// Panels side by side make up a row: there is one panel more of room.
// CHECK-LABEL: func.func @panels
// CHECK:         %[[X:.*]] = linalg.generic
// CHECK:         %[[E:.*]] = tensor.empty() : tensor<64x65x16xf32>
// CHECK:         %[[P:.*]] = tensor.insert_slice %[[X]] into %[[E]][0, 0, 0] [64, 64, 16] [1, 1, 1]
// CHECK:         %[[C:.*]] = tensor.collapse_shape %[[P]] {{\[\[}}0], [1, 2]] : tensor<64x65x16xf32> into tensor<64x1040xf32>
// CHECK:         %[[R:.*]] = tensor.extract_slice %[[C]][0, 0] [64, 1024] [1, 1]
// CHECK:         linalg.generic {{.*}} ins(%[[R]], %{{.*}} : tensor<64x1024xf32>, tensor<1024x32xf32>)
func.func @panels(%x: tensor<64x64x16xf32> {fairway.kind = "input"},
                  %w: tensor<1024x32xf32> {fairway.kind = "parameter"},
                  %fill: tensor<64x32xf32>, %e: tensor<64x64x16xf32>)
    -> tensor<64x32xf32> {
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<64x64x16xf32>) outs(%e : tensor<64x64x16xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x64x16xf32>
  %rows = tensor.collapse_shape %r [[0], [1, 2]] : tensor<64x64x16xf32> into tensor<64x1024xf32>
  %y = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%rows, %w : tensor<64x1024xf32>, tensor<1024x32xf32>) outs(%fill : tensor<64x32xf32>) {
  ^bb0(%p: f32, %q: f32, %acc: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %acc, %m : f32
    linalg.yield %s : f32
  } -> tensor<64x32xf32>
  return %y : tensor<64x32xf32>
}
