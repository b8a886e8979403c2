// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-lower-generics),canonicalize,cse)' | FileCheck %s
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-lower-generics{vector-bits=512 registers=32}),canonicalize,cse)' | FileCheck %s --check-prefix=WIDE

#image = affine_map<(h, w, n, v, k) -> (h, w, k)>
#kernel = affine_map<(h, w, n, v, k) -> (n, k, v)>
#pixels = affine_map<(h, w, n, v, k) -> (h, w, n, v)>
#a = affine_map<(m, o, i, k) -> (m, k)>
#b = affine_map<(m, o, i, k) -> (o, k, i)>
#c = affine_map<(m, o, i, k) -> (m, o, i)>
#id3 = affine_map<(m, o, i) -> (m, o, i)>
#bias = affine_map<(m, o, i) -> (o, i)>
#id = affine_map<(i, j) -> (i, j)>
#t = affine_map<(i, j) -> (j, i)>
#row = affine_map<(i, j) -> (i)>

// Six rows of two vectors: twelve accumulators that start from zero in
// registers, and go through the bias on their way to memory.
// CHECK-LABEL: func.func @matmul
// CHECK-SAME:    %[[A:[a-z0-9]+]]: memref<12x64xf32>, %[[B:[a-z0-9]+]]: memref<3x64x16xf32>, %[[BIAS:[a-z0-9]+]]: memref<3x16xf32>, %[[T:[a-z0-9]+]]: memref<2304xi8>, %[[OUT:[a-z0-9]+]]: memref<12x3x16xf32>
// CHECK:       scf.for
// CHECK:         scf.for
// CHECK-NOT:       vector.load
// CHECK:           %{{.*}}:12 = scf.for {{.*}} iter_args
// CHECK-COUNT-1:     memref.load %[[A]]
// CHECK-COUNT-2:     vector.load %[[B]]{{.*}} vector<8xf32>
// CHECK-COUNT-5:     memref.load %[[A]]
// CHECK-NOT:         vector.load
// CHECK:             scf.yield
// CHECK:           vector.load %[[BIAS]]
// CHECK-COUNT-12:  vector.store %{{.*}}, %[[OUT]]
// CHECK-NOT:   vector.store
// CHECK:       return

// WIDE-LABEL: func.func @matmul
// WIDE:         %{{.*}}:12 = scf.for
// WIDE:           vector.load %{{.*}} vector<16xf32>
func.func @matmul(%A: memref<12x64xf32>, %B: memref<3x64x16xf32>, %bias: memref<3x16xf32>, %scratch: memref<2304xi8>, %out: memref<12x3x16xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = memref.view %scratch[%c0][] : memref<2304xi8> to memref<12x3x16xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<12x3x16xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%A, %B : memref<12x64xf32>, memref<3x64x16xf32>) outs(%t : memref<12x3x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id3, #bias, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%t, %bias : memref<12x3x16xf32>, memref<3x16xf32>) outs(%out : memref<12x3x16xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  }
  return
}

// A long reduction is cut, so that the weights of a piece stay near while all
// rows pass by.
// CHECK-LABEL: func.func @long_reduction
// CHECK-DAG:   %[[C256:.*]] = arith.constant 256 : index
// CHECK-DAG:   %[[C1024:.*]] = arith.constant 1024 : index
// CHECK:       scf.for %{{.*}} to %[[C1024]] step %[[C256]]
// CHECK:         scf.for
// CHECK:           %{{.*}}:12 = scf.for
func.func @long_reduction(%A: memref<48x1024xf32>, %B: memref<1x1024x16xf32>, %out: memref<48x1x16xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%A, %B : memref<48x1024xf32>, memref<1x1024x16xf32>) outs(%out : memref<48x1x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// Seven pixels make poor register tiles: two lines are taken together, three
// and then two pixels wide, and the last line by itself.
// CHECK-LABEL: func.func @small_image
// CHECK-DAG:   %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:   %[[C6:.*]] = arith.constant 6 : index
// CHECK:       scf.for %{{.*}} to %[[C6]] step %[[C2]]
// CHECK:         %{{.*}}:12 = scf.for
// CHECK:         %{{.*}}:8 = scf.for
// CHECK:       %{{.*}}:8 = scf.for
// CHECK:       %{{.*}}:6 = scf.for
// CHECK:       return
func.func @small_image(%A: memref<7x7x64xf32>, %B: memref<2x64x16xf32>, %out: memref<7x7x2x16xf32>) {
  linalg.generic {indexing_maps = [#image, #kernel, #pixels], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%A, %B : memref<7x7x64xf32>, memref<2x64x16xf32>) outs(%out : memref<7x7x2x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// Three vectors side by side leave no narrow rest of 24 columns.
// CHECK-LABEL: func.func @three_vectors
// CHECK:           %{{.*}}:9 = scf.for
// CHECK-COUNT-3:     vector.load {{.*}} vector<8xf32>
// CHECK-NOT:         vector.load
// CHECK:             scf.yield
func.func @three_vectors(%A: memref<48x64xf32>, %B: memref<1x64x24xf32>, %out: memref<48x1x24xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%A, %B : memref<48x64xf32>, memref<1x64x24xf32>) outs(%out : memref<48x1x24xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// 21 = 16 + 4 + 1: narrower vectors finish a row.
// CHECK-LABEL: func.func @tail
// CHECK:       vector.load {{.*}} vector<8xf32>
// CHECK:       vector.load {{.*}} vector<4xf32>
// CHECK:       memref.load
func.func @tail(%x: memref<5x21xf32>, %out: memref<5x21xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<5x21xf32>) outs(%out : memref<5x21xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  }
  return
}

// Lengths that are not known end in single elements.
// CHECK-LABEL: func.func @dynamic
// CHECK:       memref.dim
// CHECK:       vector.store {{.*}} vector<8xf32>
// CHECK:       memref.store
func.func @dynamic(%x: memref<?x?xf32>, %out: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<?x?xf32>) outs(%out : memref<?x?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  }
  return
}

// Lanes along the sum: vectors start from its neutral element.
// CHECK-LABEL: func.func @row_sum
// CHECK-DAG:   %[[NEUTRAL:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK:       scf.for {{.*}} iter_args({{.*}} = %[[NEUTRAL]]
// CHECK:       vector.reduction <add>
func.func @row_sum(%x: memref<32x100xf32>, %out: memref<32xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<32x100xf32>) outs(%out : memref<32xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %s = arith.addf %in, %acc : f32
    linalg.yield %s : f32
  }
  return
}

// The row of a table is at a place that all lanes share: vector loads.
// CHECK-LABEL: func.func @embedding
// CHECK:       %[[I:.*]] = arith.index_cast
// CHECK:       vector.load %{{.*}}[%[[I]], %{{.*}}] : memref<100x64xf32>, vector<8xf32>
func.func @embedding(%ids: memref<10xi64>, %table: memref<100x64xf32>, %out: memref<10x64xf32>) {
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]} ins(%ids : memref<10xi64>) outs(%out : memref<10x64xf32>) {
  ^bb0(%in: i64, %o: f32):
    %i = arith.index_cast %in : i64 to index
    %j = linalg.index 1 : index
    %v = memref.load %table[%i, %j] : memref<100x64xf32>
    linalg.yield %v : f32
  }
  return
}

// Booleans are bytes in memory and single bits in registers; the width follows
// the widest element.
// CHECK-LABEL: func.func @mask
// CHECK:       vector.load {{.*}} vector<4xi8>
// CHECK:       arith.trunci {{.*}} : vector<4xi8> to vector<4xi1>
// CHECK:       vector.store {{.*}} vector<4xf64>
func.func @mask(%m: memref<8x16xi8>, %x: memref<8x16xf64>, %out: memref<8x16xf64>) {
  %zero = arith.constant 0.0 : f64
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%m, %x : memref<8x16xi8>, memref<8x16xf64>) outs(%out : memref<8x16xf64>) {
  ^bb0(%b: i8, %in: f64, %o: f64):
    %c = arith.trunci %b : i8 to i1
    %s = arith.select %c, %in, %zero : f64
    linalg.yield %s : f64
  }
  return
}

// A body with control flow stays scalar.
// CHECK-LABEL: func.func @control_flow
// CHECK-NOT:   vector
// CHECK:       scf.if
func.func @control_flow(%x: memref<8x16xf32>, %out: memref<8x16xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x16xf32>) outs(%out : memref<8x16xf32>) {
  ^bb0(%in: f32, %o: f32):
    %c = arith.cmpf ogt, %in, %zero : f32
    %s = scf.if %c -> f32 {
      %l = math.log %in : f32
      scf.yield %l : f32
    } else {
      scf.yield %zero : f32
    }
    linalg.yield %s : f32
  }
  return
}

// CHECK-LABEL: func.func @copy
// CHECK-NOT:   memref.copy
// CHECK:       vector.store {{.*}} vector<8xf32>
func.func @copy(%x: memref<8x16xf32>, %out: memref<8x16xf32>) {
  memref.copy %x, %out : memref<8x16xf32> to memref<8x16xf32>
  return
}

// Weights in panels: the long sum is cut around them, and while the rows pass by
// one panel, the next is fetched into the second cache.
// CHECK-LABEL: func.func @panels
// CHECK:         scf.for %[[K:.*]] = %{{.*}} to %c768{{.*}} step %c256
// CHECK:           scf.for %[[P:.*]] = %{{.*}} to %c4
// CHECK:             memref.prefetch %arg1[{{.*}}], read, locality<2>, data : memref<4x768x16xf32>
// CHECK:             scf.for {{.*}} iter_args
func.func @panels(%a: memref<128x768xf32>, %b: memref<4x768x16xf32>, %c: memref<128x4x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, p, l, k) -> (m, k)>, affine_map<(m, p, l, k) -> (p, k, l)>, affine_map<(m, p, l, k) -> (m, p, l)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %b : memref<128x768xf32>, memref<4x768x16xf32>) outs(%c : memref<128x4x16xf32>) {
  ^bb0(%x: f32, %w: f32, %acc: f32):
    %p = arith.mulf %x, %w : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// Weights that are not in panels have no next one.
// CHECK-LABEL: func.func @no_panels
// CHECK-NOT:     memref.prefetch
// CHECK:         return
func.func @no_panels(%a: memref<128x96xf32>, %b: memref<96x16xf32>, %c: memref<128x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, l, k) -> (m, k)>, affine_map<(m, l, k) -> (k, l)>, affine_map<(m, l, k) -> (m, l)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %b : memref<128x96xf32>, memref<96x16xf32>) outs(%c : memref<128x16xf32>) {
  ^bb0(%x: f32, %w: f32, %acc: f32):
    %p = arith.mulf %x, %w : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}

// One vector of weights for each group: every multiply-add has a broadcast of
// its own, and LLVM is not to unroll the long loop. Two vectors (above) may be.
// CHECK-LABEL: func.func @narrow
// CHECK:         scf.for
// CHECK:           vector.broadcast
// CHECK:         {loop_annotation = #[[ROLLED:.*]]}
func.func @narrow(%x: memref<12x64xf32>, %w: memref<64x8xf32>, %out: memref<12x8xf32>) attributes {fairway.kernel = "matmul"} {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<12x64xf32>, memref<64x8xf32>) outs(%out : memref<12x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  return
}
