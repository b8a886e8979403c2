// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --fairway-kernel-pipeline | FileCheck %s
// RUN: fairway-opt %s --fairway-kernel-pipeline='machine={vector-bits=512 vector-registers=32}' | FileCheck %s --check-prefix=WIDE

#id = affine_map<(a, b) -> (a, b)>

// CHECK-NOT: tensor
// CHECK-NOT: linalg
// CHECK-NOT: affine
// CHECK-LABEL: func.func private @gelu
// CHECK-SAME:    (%{{.*}}: memref<1024x768xf32>, %{{.*}}: memref<1024x768xf32>, %{{.*}}: memref<0xi8>, %{{.*}}: index, %{{.*}}: index)
// CHECK-SAME:    fairway.scratch_bytes = 0 : i64, {{.*}}fairway.tiles = {{[0-9]+}} : i64
// CHECK:       vector.store {{.*}} vector<8xf32>
// CHECK-LABEL: func.func @main
// CHECK:       call @gelu

// WIDE:        vector.store {{.*}} vector<16xf32>
func.func private @gelu(%x: tensor<1024x768xf32>, %out: tensor<1024x768xf32>) -> tensor<1024x768xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %r = arith.constant 0.707106769 : f32
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<1024x768xf32>) outs(%out : tensor<1024x768xf32>) {
  ^bb0(%in: f32, %o: f32):
    %1 = arith.mulf %in, %r : f32
    %2 = math.erf %1 : f32
    %3 = arith.addf %2, %one : f32
    %4 = arith.mulf %in, %half : f32
    %5 = arith.mulf %3, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<1024x768xf32>
  return %0 : tensor<1024x768xf32>
}

func.func @main(%x: tensor<1024x768xf32>) -> tensor<1024x768xf32> {
  %empty = tensor.empty() : tensor<1024x768xf32>
  %0 = func.call @gelu(%x, %empty) : (tensor<1024x768xf32>, tensor<1024x768xf32>) -> tensor<1024x768xf32>
  return %0 : tensor<1024x768xf32>
}
