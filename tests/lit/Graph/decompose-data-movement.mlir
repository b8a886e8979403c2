// RUN: fairway-opt %s -fairway-decompose-data-movement | FileCheck %s

// CHECK-LABEL: func.func @pad
// CHECK: linalg.fill
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[1, 1] [4, 4] [1, 1]
func.func @pad(%x: tensor<4x4xf32>) -> tensor<6x6xf32> {
  %c = arith.constant 0.0 : f32
  %0 = tensor.pad %x low[1, 1] high[1, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<4x4xf32> to tensor<6x6xf32>
  return %0 : tensor<6x6xf32>
}

// CHECK-LABEL: func.func @concat
// CHECK: tensor.insert_slice %{{.*}}[0, 0] [2, 4]
// CHECK: tensor.insert_slice %{{.*}}[2, 0] [3, 4]
func.func @concat(%x: tensor<2x4xf32>, %y: tensor<3x4xf32>) -> tensor<5x4xf32> {
  %0 = tensor.concat dim(0) %x, %y : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// CHECK-LABEL: func.func @softmax
// CHECK-NOT: linalg.softmax
// CHECK: math.exp
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.softmax dimension(1) ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A slice stays: kernels read it in place.
// CHECK-LABEL: func.func @slice
// CHECK-NEXT: tensor.extract_slice
func.func @slice(%x: tensor<4x4xf32>) -> tensor<2x4xf32> {
  %0 = tensor.extract_slice %x[1, 0] [2, 4] [1, 1] : tensor<4x4xf32> to tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
