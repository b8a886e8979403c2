// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-tile-kernels,canonicalize,cse))' | FileCheck %s
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-tile-kernels{machine={l2-bytes=65536}},canonicalize,cse))' | FileCheck %s --check-prefix=CACHE
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-tile-kernels{threads=1 machine={l2-bytes=16777216}},canonicalize,cse))' | FileCheck %s --check-prefix=ONE
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-tile-kernels{threads=6},canonicalize,cse))' | FileCheck %s --check-prefix=SIX
// RUN: not fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-tile-kernels{machine={l4-bytes=1}}))' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: a machine has no 'l4-bytes'; known: vector-bits,

#a = affine_map<(m, no, ni, k) -> (m, k)>
#b = affine_map<(m, no, ni, k) -> (no, k, ni)>
#c = affine_map<(m, no, ni, k) -> (m, no, ni)>
#id3 = affine_map<(m, no, ni) -> (m, no, ni)>
#bias = affine_map<(m, no, ni) -> (no, ni)>
#id2 = affine_map<(a, b) -> (a, b)>
#row = affine_map<(a, b) -> (a)>

// The contraction and its initial value are computed inside, once per tile.
// Rows stay whole: a piece of their long sums fits the cache beside the weights.
// CHECK-LABEL: func.func private @matmul
// CHECK-SAME:    %[[OUT:[a-z0-9]+]]: tensor<128x48x16xf32>) ->
// CHECK-SAME:    fairway.config = #fairway.kernel_config<tile = [0, 6, 0]>
// CHECK-NOT:   linalg
// CHECK:       scf.forall {{.*}} = (0) to (48) step (6) shared_outs(%{{.*}} = %[[OUT]])
// CHECK:         linalg.fill
// CHECK:         linalg.generic {{.*}} "reduction"
// CHECK:         linalg.generic
// CHECK:         tensor.parallel_insert_slice
// CHECK-NOT:   linalg
// CHECK:       return

// One worker with a large cache of its own has no use for tiles of rows.
// ONE-LABEL: @matmul
// ONE:       scf.forall {{.*}} = (0) to (48) step (8)

// Each of six workers gets as many tiles as the others.
// SIX-LABEL: @matmul
// SIX:       scf.forall {{.*}} = (0) to (48) step (8)

// CACHE-LABEL: @matmul
// CACHE:       scf.forall {{.*}} to (128, 48) step ({{[0-9]}}{{.*}})
func.func private @matmul(%a: tensor<128x768xf32>, %b: tensor<48x768x16xf32>, %bias: tensor<48x16xf32>, %out: tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
    attributes {fairway.kernel = "matmul", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<128x48x16xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %b : tensor<128x768xf32>, tensor<48x768x16xf32>) outs(%fill : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  %1 = linalg.generic {indexing_maps = [#id3, #bias, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%0, %bias : tensor<128x48x16xf32>, tensor<48x16xf32>) outs(%out : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  return %1 : tensor<128x48x16xf32>
}

// Only rows are cut: columns belong to one sum, which must not be done twice.
// CHECK-LABEL: func.func private @normalize
// CHECK:       scf.forall (%{{[a-z0-9]+}}) = (0) to (4096)
// CHECK:         linalg.generic {{.*}} "reduction"
// CHECK:         linalg.generic {{.*}} ["parallel", "parallel"]
func.func private @normalize(%x: tensor<4096x512xf32>, %out: tensor<4096x512xf32>) -> tensor<4096x512xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4096xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4096xf32>) -> tensor<4096xf32>
  %sum = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4096x512xf32>) outs(%fill : tensor<4096xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %s = arith.addf %in, %acc : f32
    linalg.yield %s : f32
  } -> tensor<4096xf32>
  %0 = linalg.generic {indexing_maps = [#id2, #row, #id2], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<4096x512xf32>, tensor<4096xf32>) outs(%out : tensor<4096x512xf32>) {
  ^bb0(%in: f32, %s: f32, %o: f32):
    %q = arith.divf %in, %s : f32
    linalg.yield %q : f32
  } -> tensor<4096x512xf32>
  return %0 : tensor<4096x512xf32>
}

// Each piece of a concatenation is a loop of its own.
// CHECK-LABEL: func.func private @concat
// CHECK-COUNT-2: scf.forall
func.func private @concat(%a: tensor<1024x256xf32>, %b: tensor<1024x256xf32>, %out: tensor<1024x512xf32>) -> tensor<1024x512xf32>
    attributes {fairway.kernel = "insert", fairway.num_outs = 1 : i64} {
  %0 = tensor.insert_slice %a into %out[0, 0] [1024, 256] [1, 1] : tensor<1024x256xf32> into tensor<1024x512xf32>
  %1 = tensor.insert_slice %b into %0[0, 256] [1024, 256] [1, 1] : tensor<1024x256xf32> into tensor<1024x512xf32>
  return %1 : tensor<1024x512xf32>
}

// The border must be written before what lies inside: not at the same time.
// CHECK-LABEL: func.func private @pad
// CHECK-NOT:   scf.forall
// CHECK:       linalg.fill
func.func private @pad(%a: tensor<1024x256xf32>, %out: tensor<1026x256xf32>) -> tensor<1026x256xf32>
    attributes {fairway.kernel = "insert", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%out : tensor<1026x256xf32>) -> tensor<1026x256xf32>
  %0 = tensor.insert_slice %a into %fill[1, 0] [1024, 256] [1, 1] : tensor<1024x256xf32> into tensor<1026x256xf32>
  return %0 : tensor<1026x256xf32>
}

// Too small to be worth several tiles.
// CHECK-LABEL: func.func private @small
// CHECK-NOT:   scf.forall
// CHECK:       return
func.func private @small(%x: tensor<8x16xf32>, %out: tensor<8x16xf32>) -> tensor<8x16xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %0 = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x16xf32>) outs(%out : tensor<8x16xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<8x16xf32>
  return %0 : tensor<8x16xf32>
}

// Rows or columns of the image would do: rows, so that a tile is one range.
// CHECK-LABEL: func.func private @image
// CHECK:       scf.forall (%[[I:.*]]) =
// CHECK:         tensor.extract_slice %{{.*}}[%[[I]], 0, 0]
func.func private @image(%x: tensor<64x64x96xf32>, %out: tensor<64x64x96xf32>) -> tensor<64x64x96xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64} {
  %0 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<64x64x96xf32>) outs(%out : tensor<64x64x96xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x64x96xf32>
  return %0 : tensor<64x64x96xf32>
}

// Not a kernel.
// CHECK-LABEL: func.func @main
// CHECK-NOT:   scf.forall
// CHECK:       return
func.func @main(%x: tensor<4096x512xf32>, %out: tensor<4096x512xf32>) -> tensor<4096x512xf32> {
  %0 = linalg.copy ins(%x : tensor<4096x512xf32>) outs(%out : tensor<4096x512xf32>) -> tensor<4096x512xf32>
  return %0 : tensor<4096x512xf32>
}
