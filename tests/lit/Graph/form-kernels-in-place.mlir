// RUN: fairway-opt %s -fairway-form-kernels | FileCheck %s

// The caller's tensor is copied before a slice of it is replaced.
// CHECK-LABEL: func.func @main
// CHECK: %[[COPY:.*]] = call @copy_0(%arg0
// CHECK: call @insert_0(%arg1, %[[COPY]])
func.func @main(%x: tensor<8xf32>, %y: tensor<2xf32>) -> tensor<8xf32> {
  %0 = tensor.insert_slice %y into %x[3] [2] [1] : tensor<2xf32> into tensor<8xf32>
  return %0 : tensor<8xf32>
}
