// RUN: fairway-opt %s -fairway-raise-gathers | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// A mask that is indexed by wrapped counters is an operand.
// CHECK-DAG: #[[KEY:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @mask
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<1x64xi8>
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[MASK]] {{.*}} into tensor<64xi8>
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[KEY]], #[[ID]]]{{.*}} ins(%{{.*}}, %[[FLAT]] :
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[M:.*]]: i8, %{{.*}}: f32):
// CHECK-NEXT: arith.trunci %[[M]]
// CHECK-NEXT: arith.select
// CHECK-NEXT: linalg.yield
func.func @mask(%x: tensor<8x64xf32>, %mask: tensor<1x64xi8>) -> tensor<8x64xf32> {
  %zero = arith.constant 0 : i64
  %size = arith.constant 64 : i64
  %c0 = arith.constant 0 : index
  %low = arith.constant -3.0e38 : f32
  %out = tensor.empty() : tensor<8x64xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%out : tensor<8x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %negative = arith.cmpi slt, %j, %zero : i64
    %wrapped = arith.addi %j, %size : i64
    %k = arith.select %negative, %wrapped, %j : i64
    %l = arith.index_cast %k : i64 to index
    %m = tensor.extract %mask[%c0, %l] : tensor<1x64xi8>
    %b = arith.trunci %m : i8 to i1
    %v = arith.select %b, %a, %low : f32
    linalg.yield %v : f32
  } -> tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

// What data says where to read stays, and a tensor longer than the loop too.
// CHECK-LABEL: func.func @embedding
// CHECK: tensor.extract %{{.*}} : tensor<100x64xf32>
// CHECK: tensor.extract %{{.*}} : tensor<100xf32>
func.func @embedding(%ids: tensor<8xi64>, %table: tensor<100x64xf32>, %bias: tensor<100xf32>) -> tensor<8x64xf32> {
  %out = tensor.empty() : tensor<8x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<8xi64>) outs(%out : tensor<8x64xf32>) {
  ^bb0(%id: i64, %o: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %table[%i, %j] : tensor<100x64xf32>
    %w = tensor.extract %bias[%j] : tensor<100xf32>
    %y = arith.addf %v, %w : f32
    linalg.yield %y : f32
  } -> tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
