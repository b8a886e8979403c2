// RUN: fairway-opt %s -fairway-block-rows='machine={l1-bytes=4096}' -canonicalize -cse -split-input-file | FileCheck %s
// RUN: fairway-opt %s -fairway-block-rows='machine={l1-bytes=65536}' -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=LARGE

#id = affine_map<(h, q, k) -> (h, q, k)>
#kt = affine_map<(h, q, k) -> (h, k, q)>
#s = affine_map<(h, q, k, d) -> (h, q, d)>
#k = affine_map<(h, q, k, d) -> (h, d, k)>
#o = affine_map<(h, q, k, d) -> (h, q, k)>

// Three blocks of 17 rows for 50: the last one begins at 33. The keys are
// transposed before the loop; scores exist for one block.
// CHECK: #[[START:.+]] = affine_map<(d0) -> (33, d0)>
// CHECK-LABEL: func.func @attention
// CHECK: scf.forall
// CHECK: } -> tensor<1x8x64xf32>
// CHECK-NOT: tensor<1x50x64xf32>
// CHECK: scf.for %[[Q:.*]] = %{{.*}} to %c50 step %c17
// CHECK: %[[AT:.*]] = affine.min #[[START]](%[[Q]])
// CHECK: tensor.extract_slice %{{.*}}[0, %[[AT]], 0] [1, 17, 8]
// CHECK: math.exp
// CHECK: } -> tensor<1x17x64xf32>
// CHECK: } -> tensor<1x17x8xf32>
// CHECK: tensor.insert_slice {{.*}}[0, %[[AT]], 0] [1, 17, 8]
// CHECK: scf.yield

// Scores that stay in the cache anyway are computed at once.
// LARGE-LABEL: func.func @attention
// LARGE-NOT: scf.for %
// LARGE: return
func.func @attention(%q: tensor<2x50x8xf32>, %k: tensor<2x64x8xf32>, %v: tensor<2x64x8xf32>, %out: tensor<2x50x8xf32>)
    -> tensor<2x50x8xf32> attributes {fairway.kernel = "attention"} {
  %zero = arith.constant 0.0 : f32
  %r = scf.forall (%h) in (2) shared_outs(%dest = %out) -> tensor<2x50x8xf32> {
    %qh = tensor.extract_slice %q[%h, 0, 0] [1, 50, 8] [1, 1, 1] : tensor<2x50x8xf32> to tensor<1x50x8xf32>
    %kh = tensor.extract_slice %k[%h, 0, 0] [1, 64, 8] [1, 1, 1] : tensor<2x64x8xf32> to tensor<1x64x8xf32>
    %vh = tensor.extract_slice %v[%h, 0, 0] [1, 64, 8] [1, 1, 1] : tensor<2x64x8xf32> to tensor<1x64x8xf32>
    %e0 = tensor.empty() : tensor<1x8x64xf32>
    %t = linalg.generic {indexing_maps = [#kt, #id], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%kh : tensor<1x64x8xf32>) outs(%e0 : tensor<1x8x64xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<1x8x64xf32>
    %e1 = tensor.empty() : tensor<1x50x64xf32>
    %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x50x64xf32>) -> tensor<1x50x64xf32>
    %s = linalg.generic {indexing_maps = [#s, #k, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%qh, %t : tensor<1x50x8xf32>, tensor<1x8x64xf32>) outs(%f1 : tensor<1x50x64xf32>) {
    ^bb0(%a: f32, %b: f32, %acc: f32):
      %m = arith.mulf %a, %b : f32
      %n = arith.addf %acc, %m : f32
      linalg.yield %n : f32
    } -> tensor<1x50x64xf32>
    %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%s : tensor<1x50x64xf32>) outs(%e1 : tensor<1x50x64xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = math.exp %a : f32
      linalg.yield %m : f32
    } -> tensor<1x50x64xf32>
    %slot = tensor.extract_slice %dest[%h, 0, 0] [1, 50, 8] [1, 1, 1] : tensor<2x50x8xf32> to tensor<1x50x8xf32>
    %f2 = linalg.fill ins(%zero : f32) outs(%slot : tensor<1x50x8xf32>) -> tensor<1x50x8xf32>
    %y = linalg.generic {indexing_maps = [#s, #k, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%e, %vh : tensor<1x50x64xf32>, tensor<1x64x8xf32>) outs(%f2 : tensor<1x50x8xf32>) {
    ^bb0(%a: f32, %b: f32, %acc: f32):
      %m = arith.mulf %a, %b : f32
      %n = arith.addf %acc, %m : f32
      linalg.yield %n : f32
    } -> tensor<1x50x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %y into %dest[%h, 0, 0] [1, 50, 8] [1, 1, 1] : tensor<1x50x8xf32> into tensor<2x50x8xf32>
    }
  }
  return %r : tensor<2x50x8xf32>
}

// -----

#id = affine_map<(q, k) -> (q, k)>

// One contraction or none: rows are not cut.
// CHECK-LABEL: func.func @elementwise
// CHECK-NOT: scf.for %
// CHECK: return
func.func @elementwise(%x: tensor<100x512xf32>, %out: tensor<100x512xf32>) -> tensor<100x512xf32>
    attributes {fairway.kernel = "elementwise"} {
  %r = scf.forall (%i) = (0) to (100) step (50) shared_outs(%dest = %out) -> tensor<100x512xf32> {
    %a = tensor.extract_slice %x[%i, 0] [50, 512] [1, 1] : tensor<100x512xf32> to tensor<50x512xf32>
    %b = tensor.extract_slice %dest[%i, 0] [50, 512] [1, 1] : tensor<100x512xf32> to tensor<50x512xf32>
    %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a : tensor<50x512xf32>) outs(%b : tensor<50x512xf32>) {
    ^bb0(%c: f32, %o: f32):
      %m = math.exp %c : f32
      linalg.yield %m : f32
    } -> tensor<50x512xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %e into %dest[%i, 0] [50, 512] [1, 1] : tensor<50x512xf32> into tensor<100x512xf32>
    }
  }
  return %r : tensor<100x512xf32>
}

// -----

// A transformed image is read by a panel of weights after the other; the sums of a
// panel are transformed back before the next.
// CHECK-LABEL: func.func @transformed
// CHECK:         %[[V:.*]] = linalg.generic {{.*}} ins(%arg0, %{{.*}} : tensor<18x64xf32>, tensor<3x3xf32>)
// CHECK:         scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK:           linalg.generic {{.*}} ins(%[[V]], %{{.*}} : tensor<3x8x64xf32>, tensor<1x3x64x16xf32>)
// CHECK:           linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<3x8x1x16xf32>, tensor<3x2xf32>)
func.func @transformed(%x: tensor<18x64xf32>, %w: tensor<4x3x64x16xf32>, %out: tensor<16x4x16xf32>) -> tensor<16x4x16xf32> attributes {fairway.kernel = "winograd", fairway.num_outs = 1 : i64} {
  %zero = arith.constant 0.0 : f32
  %image = arith.constant dense<[[1.0, 0.0, -1.0], [0.0, 1.0, 1.0], [0.0, -1.0, 1.0]]> : tensor<3x3xf32>
  %result = arith.constant dense<[[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]]> : tensor<3x2xf32>
  %0 = tensor.empty() : tensor<3x8x64xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<3x8x64xf32>) -> tensor<3x8x64xf32>
  %v = linalg.generic {indexing_maps = [affine_map<(k, i, c, r) -> (i * 2 + r, c)>, affine_map<(k, i, c, r) -> (k, r)>, affine_map<(k, i, c, r) -> (k, i, c)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %image : tensor<18x64xf32>, tensor<3x3xf32>) outs(%1 : tensor<3x8x64xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<3x8x64xf32>
  %2 = tensor.empty() : tensor<3x8x4x16xf32>
  %3 = linalg.fill ins(%zero : f32) outs(%2 : tensor<3x8x4x16xf32>) -> tensor<3x8x4x16xf32>
  %m = linalg.generic {indexing_maps = [affine_map<(p, k, i, c, l) -> (k, i, c)>, affine_map<(p, k, i, c, l) -> (p, k, c, l)>, affine_map<(p, k, i, c, l) -> (k, i, p, l)>], iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]} ins(%v, %w : tensor<3x8x64xf32>, tensor<4x3x64x16xf32>) outs(%3 : tensor<3x8x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<3x8x4x16xf32>
  %4 = linalg.fill ins(%zero : f32) outs(%out : tensor<16x4x16xf32>) -> tensor<16x4x16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(w, p, k, l) -> (k, w floordiv 2, p, l)>, affine_map<(w, p, k, l) -> (k, w mod 2)>, affine_map<(w, p, k, l) -> (w, p, l)>], iterator_types = ["parallel", "parallel", "reduction", "parallel"]} ins(%m, %result : tensor<3x8x4x16xf32>, tensor<3x2xf32>) outs(%4 : tensor<16x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x4x16xf32>
  return %y : tensor<16x4x16xf32>
}
