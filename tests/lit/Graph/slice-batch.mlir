// RUN: fairway-opt %s --split-input-file --fairway-slice-batch="machine={l2-bytes=4096 l3-bytes=0} threads=1" | FileCheck %s
// RUN: fairway-opt %s --split-input-file --fairway-slice-batch="machine={l2-bytes=16384 l3-bytes=0} threads=1" | FileCheck %s --check-prefix=TWO
// RUN: fairway-opt %s --split-input-file --fairway-slice-batch | FileCheck %s --check-prefix=LARGE

#id = affine_map<(n, a, b) -> (n, a, b)>
#row = affine_map<(n, a, b) -> (b)>

// Two kernels pass by for one sample after the other; the sample's dimension is
// dropped, slices lie where the caller has the input and wants the result, and
// what they have in between they share. The weights are not sliced.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.*]]: tensor<4x16x16xf32> {{.*}}, %[[W:.*]]: tensor<16xf32>
// CHECK:       %[[ALL:.*]] = bufferization.alloc_tensor() : tensor<4x16x16xf32>
// CHECK:       %[[X0:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [1, 16, 16] [1, 1, 1] : tensor<4x16x16xf32> to tensor<16x16xf32>
// CHECK:       %[[E0:.*]] = tensor.empty() : tensor<16x16xf32>
// CHECK:       %[[A0:.*]] = call @scale{{.*}}(%[[X0]], %[[W]], %[[E0]])
// CHECK:       %[[D0:.*]] = tensor.extract_slice %[[ALL]][0, 0, 0] [1, 16, 16]
// CHECK:       %[[B0:.*]] = call @scale{{.*}}(%[[A0]], %[[W]], %[[D0]])
// CHECK:       %[[I0:.*]] = tensor.insert_slice %[[B0]] into %[[ALL]][0, 0, 0] [1, 16, 16]
// CHECK:       tensor.extract_slice %[[X]][1, 0, 0] [1, 16, 16]
// CHECK:       tensor.extract_slice %[[I0]][1, 0, 0] [1, 16, 16]
// CHECK:       %[[I3:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[3, 0, 0] [1, 16, 16]
// CHECK-NEXT:  return %[[I3]]
// CHECK:       func.func private @scale
// CHECK-SAME:    (%{{.*}}: tensor<16x16xf32>, %{{.*}}: tensor<16xf32>, %{{.*}}: tensor<16x16xf32>) -> tensor<16x16xf32>
// CHECK-SAME:    fairway.flops = 256 : i64
// CHECK:       linalg.index 0
// CHECK-NOT:   func.func
//
// A cache that holds two samples gets two.
// TWO-LABEL:   func.func @main
// TWO:         tensor.extract_slice %{{.*}}[0, 0, 0] [2, 16, 16]
// TWO:         tensor.extract_slice %{{.*}}[2, 0, 0] [2, 16, 16]
// TWO:         linalg.index 1
//
// What fits as it is stays whole.
// LARGE-LABEL: func.func @main
// LARGE-NOT:   extract_slice
// LARGE:       return
func.func @main(%x: tensor<4x16x16xf32> {fairway.kind = "input"},
                %w: tensor<16xf32> {fairway.kind = "parameter"}) -> tensor<4x16x16xf32> {
  %e = tensor.empty() : tensor<4x16x16xf32>
  %a = call @scale(%x, %w, %e) : (tensor<4x16x16xf32>, tensor<16xf32>, tensor<4x16x16xf32>) -> tensor<4x16x16xf32>
  %b = call @scale(%a, %w, %e) : (tensor<4x16x16xf32>, tensor<16xf32>, tensor<4x16x16xf32>) -> tensor<4x16x16xf32>
  return %b : tensor<4x16x16xf32>
}

func.func private @scale(%x: tensor<4x16x16xf32>, %w: tensor<16xf32>, %out: tensor<4x16x16xf32>) -> tensor<4x16x16xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 1024 : i64} {
  %0 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %w : tensor<4x16x16xf32>, tensor<16xf32>) outs(%out : tensor<4x16x16xf32>) {
  ^bb0(%in: f32, %f: f32, %o: f32):
    %i = linalg.index 1 : index
    %c3 = arith.constant 3 : index
    %first = arith.cmpi ult, %i, %c3 : index
    %p = arith.mulf %in, %f : f32
    %s = arith.select %first, %in, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x16x16xf32>
  return %0 : tensor<4x16x16xf32>
}

// -----

#id = affine_map<(n, a) -> (n, a)>
#row = affine_map<(n, a) -> (a)>

// Rows of several samples in one dimension; a kernel in which the samples meet
// gets all of them, and so does what follows it.
// CHECK-LABEL: func.func @main
// CHECK:       %[[ALL:.*]] = bufferization.alloc_tensor() : tensor<64x64xf32>
// CHECK:       %[[X0:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0] [1, 16, 64] [1, 1, 1] : tensor<4x16x64xf32> to tensor<16x64xf32>
// CHECK:       tensor.extract_slice %[[ALL]][0, 0] [16, 64] [1, 1]
// CHECK:       call @rows{{.*}}(%[[X0]], %{{.*}}) : (tensor<16x64xf32>, tensor<16x64xf32>) -> tensor<16x64xf32>
// CHECK:       %[[I3:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[48, 0] [16, 64]
// CHECK:       call @mean(%[[I3]], %{{.*}}) : (tensor<64x64xf32>, tensor<64xf32>) -> tensor<64xf32>
// CHECK:       call @twice(%[[I3]], %{{.*}}) : (tensor<64x64xf32>, tensor<64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
func.func @main(%x: tensor<4x16x64xf32> {fairway.kind = "input"}) -> tensor<64x64xf32> {
  %flat = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x16x64xf32> into tensor<64x64xf32>
  %e = tensor.empty() : tensor<64x64xf32>
  %v = tensor.empty() : tensor<64xf32>
  %a = call @rows(%flat, %e) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %m = call @mean(%a, %v) : (tensor<64x64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %b = call @twice(%a, %m, %e) : (tensor<64x64xf32>, tensor<64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %b : tensor<64x64xf32>
}

func.func private @rows(%x: tensor<64x64xf32>, %out: tensor<64x64xf32>) -> tensor<64x64xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 4096 : i64} {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<64x64xf32>) outs(%out : tensor<64x64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}

func.func private @mean(%x: tensor<64x64xf32>, %out: tensor<64xf32>) -> tensor<64xf32>
    attributes {fairway.kernel = "reduce", fairway.num_outs = 1 : i64, fairway.flops = 4096 : i64} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<64xf32>) -> tensor<64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<64x64xf32>) outs(%f : tensor<64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %o : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

func.func private @twice(%x: tensor<64x64xf32>, %m: tensor<64xf32>, %out: tensor<64x64xf32>) -> tensor<64x64xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 4096 : i64} {
  %0 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<64x64xf32>, tensor<64xf32>) outs(%out : tensor<64x64xf32>) {
  ^bb0(%in: f32, %w: f32, %o: f32):
    %s = arith.addf %in, %w : f32
    linalg.yield %s : f32
  } -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}

// -----

#x = affine_map<(n, m, k) -> (n, k)>
#w = affine_map<(n, m, k) -> (k, m)>
#y = affine_map<(n, m, k) -> (n, m)>
#id = affine_map<(n, a) -> (n, a)>

// A last layer, which reads many weights for little computing, is where slices
// end.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-8: call @gelu{{.*}} -> tensor<512xf32>
// CHECK:       call @last(%{{.*}}) : (tensor<8x512xf32>, tensor<512x512xf32>, tensor<8x512xf32>) -> tensor<8x512xf32>
// CHECK:       func.func private @last(%{{.*}}: tensor<8x512xf32>
func.func @main(%x: tensor<8x512xf32> {fairway.kind = "input"},
                %w: tensor<512x512xf32> {fairway.kind = "parameter"}) -> tensor<8x512xf32> {
  %e = tensor.empty() : tensor<8x512xf32>
  %a = call @gelu(%x, %e) : (tensor<8x512xf32>, tensor<8x512xf32>) -> tensor<8x512xf32>
  %b = call @last(%a, %w, %e) : (tensor<8x512xf32>, tensor<512x512xf32>, tensor<8x512xf32>) -> tensor<8x512xf32>
  return %b : tensor<8x512xf32>
}

func.func private @gelu(%x: tensor<8x512xf32>, %out: tensor<8x512xf32>) -> tensor<8x512xf32>
    attributes {fairway.kernel = "elementwise", fairway.num_outs = 1 : i64, fairway.flops = 4096 : i64} {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x512xf32>) outs(%out : tensor<8x512xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = math.erf %in : f32
    linalg.yield %s : f32
  } -> tensor<8x512xf32>
  return %0 : tensor<8x512xf32>
}

func.func private @last(%x: tensor<8x512xf32>, %w: tensor<512x512xf32>, %out: tensor<8x512xf32>) -> tensor<8x512xf32>
    attributes {fairway.kernel = "matmul", fairway.num_outs = 1 : i64, fairway.flops = 4194304 : i64} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<8x512xf32>) -> tensor<8x512xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x512xf32>, tensor<512x512xf32>) outs(%f : tensor<8x512xf32>) {
  ^bb0(%in: f32, %v: f32, %o: f32):
    %p = arith.mulf %in, %v : f32
    %s = arith.addf %p, %o : f32
    linalg.yield %s : f32
  } -> tensor<8x512xf32>
  return %0 : tensor<8x512xf32>
}
