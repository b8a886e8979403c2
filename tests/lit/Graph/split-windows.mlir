// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-split-windows -cse -split-input-file | FileCheck %s

// Stride 2, three taps: even results read one tap, odd ones two. The parts of
// the bias and of the activation are computed with them.
// CHECK-LABEL: func.func @three_taps
// CHECK-NOT:     tensor<17x
// CHECK:         %[[W1:.*]] = tensor.extract_slice %arg1[0, 0, 1] [4, 3, 1] [1, 1, 1]
// CHECK:         %[[Y0:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[W1]] : tensor<3x8xf32>, tensor<4x3x1xf32>) outs(%{{.*}} : tensor<4x8xf32>)
// CHECK:         %[[R0:.*]] = linalg.generic {{.*}} ins(%[[Y0]]
// CHECK:           arith.maximumf
// CHECK:         %[[A:.*]] = tensor.insert_slice %[[R0]] into %{{.*}}[0, 0] [4, 8] [1, 2]
// CHECK:         %[[W2:.*]] = tensor.extract_slice %arg1[0, 0, 0] [4, 3, 2] [1, 1, 2]
// CHECK:         %[[Y1:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[W2]] : tensor<3x8xf32>, tensor<4x3x2xf32>) outs(%{{.*}} : tensor<4x7xf32>)
// CHECK:         %[[R1:.*]] = linalg.generic {{.*}} ins(%[[Y1]]
// CHECK:         %[[B:.*]] = tensor.insert_slice %[[R1]] into %[[A]][0, 1] [4, 7] [1, 2]
// CHECK:         return %[[B]]
func.func @three_taps(%x: tensor<3x8xf32>, %w: tensor<4x3x3xf32>, %bias: tensor<4xf32>) -> tensor<4x15xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x17xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3x17xf32>) -> tensor<3x17xf32>
  %z = tensor.insert_slice %x into %f[0, 1] [3, 8] [1, 2] : tensor<3x8xf32> into tensor<3x17xf32>
  %eo = tensor.empty() : tensor<4x15xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(o, l) -> (o)>, affine_map<(o, l) -> (o, l)>], iterator_types = ["parallel", "parallel"]}
      ins(%bias : tensor<4xf32>) outs(%eo : tensor<4x15xf32>) {
  ^bb0(%i: f32, %out: f32):
    linalg.yield %i : f32
  } -> tensor<4x15xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(o, l, c, k) -> (c, l + k)>, affine_map<(o, l, c, k) -> (o, c, k)>, affine_map<(o, l, c, k) -> (o, l)>],
                       iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%z, %w : tensor<3x17xf32>, tensor<4x3x3xf32>) outs(%b : tensor<4x15xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x15xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(o, l) -> (o, l)>, affine_map<(o, l) -> (o, l)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<4x15xf32>) outs(%eo : tensor<4x15xf32>) {
  ^bb0(%i: f32, %out: f32):
    %m = arith.maximumf %i, %zero : f32
    linalg.yield %m : f32
  } -> tensor<4x15xf32>
  return %r : tensor<4x15xf32>
}

// -----

// One tap, stride 2: every second result is the initial value alone. Zeros
// around the source are there where a part reads them, as for four taps.
// CHECK-LABEL: func.func @no_tap
// CHECK:         %[[Y:.*]] = linalg.generic
// CHECK:         %[[A:.*]] = tensor.insert_slice %[[Y]] into %{{.*}}[0] [8] [2]
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<7xf32>
// CHECK:         tensor.insert_slice %[[FILL]] into %[[A]][1] [7] [2]
// CHECK-LABEL: func.func @four_taps
// CHECK:         %[[ZEROS:.*]] = linalg.fill {{.*}} -> tensor<10xf32>
// CHECK:         %[[PAD:.*]] = tensor.insert_slice %arg0 into %[[ZEROS]][1] [8] [1]
// CHECK-DAG:     tensor.extract_slice %[[PAD]][0] [9] [1]
// CHECK-DAG:     tensor.extract_slice %[[PAD]][1] [9] [1]
#x = affine_map<(l, k) -> (l + k)>
#w = affine_map<(l, k) -> (k)>
#y = affine_map<(l, k) -> (l)>
func.func @no_tap(%x: tensor<8xf32>, %w: tensor<1xf32>) -> tensor<15xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<15xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<15xf32>) -> tensor<15xf32>
  %z = tensor.insert_slice %x into %f[0] [8] [2] : tensor<8xf32> into tensor<15xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "reduction"]}
      ins(%z, %w : tensor<15xf32>, tensor<1xf32>) outs(%f : tensor<15xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<15xf32>
  return %y : tensor<15xf32>
}
func.func @four_taps(%x: tensor<8xf32>, %w: tensor<4xf32>) -> tensor<16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<19xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<19xf32>) -> tensor<19xf32>
  %z = tensor.insert_slice %x into %f[2] [8] [2] : tensor<8xf32> into tensor<19xf32>
  %eo = tensor.empty() : tensor<16xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<16xf32>) -> tensor<16xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "reduction"]}
      ins(%z, %w : tensor<19xf32>, tensor<4xf32>) outs(%fo : tensor<16xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  return %y : tensor<16xf32>
}

// -----

// Left alone: ones between the elements, and a stride of 17.
// CHECK-LABEL: func.func @leave
// CHECK-COUNT-2: tensor.insert_slice
// CHECK-NOT:     tensor.insert_slice
#x = affine_map<(l, k) -> (l + k)>
#w = affine_map<(l, k) -> (k)>
#y = affine_map<(l, k) -> (l)>
func.func @leave(%x: tensor<8xf32>, %w: tensor<3xf32>) -> (tensor<15xf32>, tensor<118xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<17xf32>
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<17xf32>) -> tensor<17xf32>
  %z = tensor.insert_slice %x into %f[1] [8] [2] : tensor<8xf32> into tensor<17xf32>
  %e1 = tensor.empty() : tensor<15xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<15xf32>) -> tensor<15xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "reduction"]}
      ins(%z, %w : tensor<17xf32>, tensor<3xf32>) outs(%f1 : tensor<15xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<15xf32>
  %e2 = tensor.empty() : tensor<120xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<120xf32>) -> tensor<120xf32>
  %z2 = tensor.insert_slice %x into %f2[0] [8] [17] : tensor<8xf32> into tensor<120xf32>
  %e3 = tensor.empty() : tensor<118xf32>
  %f3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<118xf32>) -> tensor<118xf32>
  %y2 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "reduction"]}
      ins(%z2, %w : tensor<120xf32>, tensor<3xf32>) outs(%f3 : tensor<118xf32>) {
  ^bb0(%i: f32, %j: f32, %acc: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<118xf32>
  return %y, %y2 : tensor<15xf32>, tensor<118xf32>
}
