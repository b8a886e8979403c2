// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --fairway-kernel-pipeline='threads=2' | FileCheck %s
//
// A kernel's configuration through the whole stage: what it says is done, what
// it leaves open is chosen, and afterwards it tells both.

#a = affine_map<(m, no, ni, k) -> (m, k)>
#b = affine_map<(m, no, ni, k) -> (no, k, ni)>
#c = affine_map<(m, no, ni, k) -> (m, no, ni)>
#id3 = affine_map<(m, no, ni) -> (m, no, ni)>

// Nothing is given: two vectors of six rows, 128 of which are 22 blocks of at
// most 6; pieces of 16 KB; the next panel is fetched.
// CHECK-LABEL: func.func private @chosen
// CHECK-SAME:    #fairway.kernel_config<tile = [{{.*}}], rows = 6, vectors = 2, piece = 256, prefetch = 1>
// CHECK:         scf.for {{.*}} step %c256
// Behind the tile's eighth panel comes the first one's next piece.
// CHECK:           arith.divsi {{.*}}, %c8 : index
// CHECK:           arith.divsi {{.*}}, %c1024 : index
// CHECK:           arith.remsi {{.*}}, %c1024 : index
// CHECK:           %[[PIECE:.*]] = arith.select
// CHECK-NEXT:      arith.muli
// CHECK-NEXT:      memref.prefetch %{{.*}}[%{{.*}}, %[[PIECE]], %{{.*}}], read{{.*}} memref<8x1024x16xf32
// CHECK:           %{{.*}}:12 = scf.for
func.func private @chosen(%a: tensor<128x1024xf32>, %b: tensor<48x1024x16xf32>, %out: tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
    attributes {fairway.kernel = "matmul", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<128x48x16xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %b : tensor<128x1024xf32>, tensor<48x1024x16xf32>) outs(%fill : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  %1 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%0 : tensor<128x48x16xf32>) outs(%out : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.maximumf %x, %zero : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  return %1 : tensor<128x48x16xf32>
}

// Everything is given.
// CHECK-LABEL: func.func private @given
// CHECK-SAME:    #fairway.kernel_config<tile = [64, 12, 0], rows = 4, vectors = 1, piece = 512, prefetch = 2>
// CHECK-SAME:    fairway.dimensions = {{\[\[}}128, 64], [48, 12], [16, 16]]
// CHECK:         scf.for {{.*}} step %c512
// CHECK:           memref.prefetch {{.*}} memref<{{.*}}x1024x16xf32
// CHECK:           %{{.*}}:4 = scf.for
// CHECK-NOT:         %{{.*}}:12 = scf.for
func.func private @given(%a: tensor<128x1024xf32>, %b: tensor<48x1024x16xf32>, %out: tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [64, 12, 0], rows = 4, vectors = 1, piece = 512, prefetch = 2>, fairway.kernel = "matmul", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<128x48x16xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %b : tensor<128x1024xf32>, tensor<48x1024x16xf32>) outs(%fill : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  %1 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%0 : tensor<128x48x16xf32>) outs(%out : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.maximumf %x, %zero : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  return %1 : tensor<128x48x16xf32>
}

// No tiles, no cut, no prefetching. Ten rows do not divide 128: 13 blocks are
// of ten and nine.
// CHECK-LABEL: func.func private @without
// CHECK-SAME:    #fairway.kernel_config<tile = [], rows = 10, vectors = 1, piece = 0, prefetch = 0>
// CHECK-SAME:    fairway.tiles = 1
// CHECK-NOT:     memref.prefetch
// CHECK:         %{{.*}}:10 = scf.for {{.*}} = %c0 to %c1024 step %c1
// CHECK-NOT:     memref.prefetch
// CHECK-LABEL: func.func @main
func.func private @without(%a: tensor<128x1024xf32>, %b: tensor<48x1024x16xf32>, %out: tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
    attributes {fairway.config = #fairway.kernel_config<tile = [], rows = 10, vectors = 1, piece = 0, prefetch = 0>, fairway.kernel = "matmul", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<128x48x16xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %b : tensor<128x1024xf32>, tensor<48x1024x16xf32>) outs(%fill : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  %1 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%0 : tensor<128x48x16xf32>) outs(%out : tensor<128x48x16xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.maximumf %x, %zero : f32
    linalg.yield %s : f32
  } -> tensor<128x48x16xf32>
  return %1 : tensor<128x48x16xf32>
}

func.func @main(%a: tensor<128x1024xf32>, %b: tensor<48x1024x16xf32>) -> (tensor<128x48x16xf32>, tensor<128x48x16xf32>, tensor<128x48x16xf32>) {
  %empty = tensor.empty() : tensor<128x48x16xf32>
  %0 = func.call @chosen(%a, %b, %empty) : (tensor<128x1024xf32>, tensor<48x1024x16xf32>, tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  %1 = func.call @given(%a, %b, %empty) : (tensor<128x1024xf32>, tensor<48x1024x16xf32>, tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  %2 = func.call @without(%a, %b, %empty) : (tensor<128x1024xf32>, tensor<48x1024x16xf32>, tensor<128x48x16xf32>) -> tensor<128x48x16xf32>
  return %0, %1, %2 : tensor<128x48x16xf32>, tensor<128x48x16xf32>, tensor<128x48x16xf32>
}
