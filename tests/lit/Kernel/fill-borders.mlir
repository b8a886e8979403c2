// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-fill-borders))' -split-input-file | FileCheck %s
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-fill-borders,fairway-tile-kernels))' -split-input-file | FileCheck %s --check-prefix=TILED

#id = affine_map<(h, w) -> (h, w)>

// Four pieces surround the result, which is computed in its place; nothing is
// copied, and each piece is a loop that workers share.
// CHECK-LABEL: func.func private @halo
// CHECK-SAME:    %[[OUT:[a-z0-9]+]]: tensor<10x12xf32>) ->
// CHECK:         %[[TOP:.*]] = tensor.extract_slice %[[OUT]][0, 0] [1, 12] [1, 1]
// CHECK:         %[[FILLED:.*]] = linalg.fill {{.*}} outs(%[[TOP]]
// CHECK:         %[[D:.*]] = tensor.insert_slice %[[FILLED]] into %[[OUT]][0, 0] [1, 12]
// CHECK:         tensor.insert_slice %{{.*}}[9, 0] [1, 12]
// CHECK:         tensor.insert_slice %{{.*}}[1, 0] [8, 2]
// CHECK:         %[[BORDER:.*]] = tensor.insert_slice %{{.*}}[1, 10] [8, 2]
// CHECK:         %[[SLICE:.*]] = tensor.extract_slice %[[BORDER]][1, 2] [8, 8]
// CHECK:         %[[X:.*]] = linalg.generic {{.*}} outs(%[[SLICE]]
// CHECK:         tensor.insert_slice %[[X]] into %[[BORDER]][1, 2] [8, 8]

// TILED-LABEL: @halo
// TILED-COUNT-5: scf.forall
func.func private @halo(%x: tensor<8x8xf32>, %out: tensor<10x12xf32>) -> tensor<10x12xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [4, 0]>, fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x8xf32>) outs(%empty : tensor<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %zero : f32
    linalg.yield %r : f32
  } -> tensor<8x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%out : tensor<10x12xf32>) -> tensor<10x12xf32>
  %1 = tensor.insert_slice %0 into %fill[1, 2] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<10x12xf32>
  return %1 : tensor<10x12xf32>
}

// -----

// Every second element stays what the fill made it: all of it is needed.
// CHECK-LABEL: func.func private @strided
// CHECK:         linalg.fill {{.*}} outs(%arg1 : tensor<16xf32>)
func.func private @strided(%x: tensor<8xf32>, %out: tensor<16xf32>) -> tensor<16xf32>
    attributes {fairway.kernel = "insert", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%out : tensor<16xf32>) -> tensor<16xf32>
  %0 = tensor.insert_slice %x into %fill[0] [8] [2] : tensor<8xf32> into tensor<16xf32>
  return %0 : tensor<16xf32>
}
