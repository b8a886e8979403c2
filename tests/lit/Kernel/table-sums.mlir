// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -split-input-file -pass-pipeline="builtin.module(func.func(fairway-lower-generics))" | FileCheck %s

// All sums of one block at once: each element is loaded once, factors of one and
// minus one are additions and subtractions, of zero nothing. The initial zero is
// no addition.
memref.global "private" constant @image : memref<3x3xf32> = dense<[[1.0, 0.0, -1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 2.0]]>
// CHECK-LABEL: func.func @transform
// CHECK:         %[[A:.*]] = vector.load %arg0
// CHECK:         %[[B:.*]] = vector.load %arg0
// CHECK:         %[[C:.*]] = vector.load %arg0
// CHECK-DAG:     %[[AC:.*]] = arith.subf %[[A]], %[[C]] : vector<8xf32>
// CHECK-DAG:     %[[BC:.*]] = arith.addf %[[B]], %[[C]] : vector<8xf32>
// CHECK-DAG:     %[[CC:.*]] = arith.mulf %[[C]], %{{.*}} : vector<8xf32>
// CHECK:         vector.store %[[AC]]
// CHECK:         vector.store %[[BC]]
// CHECK:         vector.store %[[CC]]
// CHECK-NOT:     linalg
func.func @transform(%x: memref<9x16xf32>, %out: memref<3x4x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %table = memref.get_global @image : memref<3x3xf32>
  linalg.fill ins(%zero : f32) outs(%out : memref<3x4x16xf32>)
  linalg.generic {indexing_maps = [affine_map<(k, i, c, r) -> (i * 2 + r, c)>, affine_map<(k, i, c, r) -> (k, r)>, affine_map<(k, i, c, r) -> (k, i, c)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %table : memref<9x16xf32>, memref<3x3xf32>) outs(%out : memref<3x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A table that repeats: both pixels of a block come from the same places. The
// last pixel of an odd row is alone.
memref.global "private" constant @result : memref<3x2xf32> = dense<[[1.0, 0.0], [1.0, 1.0], [0.0, -1.0]]>
// CHECK-LABEL: func.func @transform_back
// CHECK:         scf.for %{{.*}} = %{{.*}} to %c6{{.*}} step %c2
// CHECK:           arith.addf
// CHECK:           arith.addf
// CHECK:           arith.subf
// CHECK:           vector.store
// CHECK:           vector.store
// CHECK-NOT:     linalg
func.func @transform_back(%m: memref<3x4x8xf32>, %out: memref<7x8xf32>) {
  %table = memref.get_global @result : memref<3x2xf32>
  linalg.generic {indexing_maps = [affine_map<(w, k, c) -> (k, w floordiv 2, c)>, affine_map<(w, k, c) -> (k, w mod 2)>, affine_map<(w, k, c) -> (w, c)>], iterator_types = ["parallel", "reduction", "parallel"]} ins(%m, %table : memref<3x4x8xf32>, memref<3x2xf32>) outs(%out : memref<7x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A table that is not constant is an operand like any other.
// CHECK-LABEL: func.func @unknown_table
// CHECK:         scf.for
// CHECK:         arith.mulf
func.func @unknown_table(%x: memref<3x16xf32>, %table: memref<4x3xf32>, %out: memref<4x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(k, c, r) -> (r, c)>, affine_map<(k, c, r) -> (k, r)>, affine_map<(k, c, r) -> (k, c)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %table : memref<3x16xf32>, memref<4x3xf32>) outs(%out : memref<4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}
