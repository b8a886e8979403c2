// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-unroll-loops -canonicalize | FileCheck %s
// RUN: fairway-opt %s -fairway-unroll-loops=most-operations=8 | FileCheck %s --check-prefix=FEW

// Each step reads a slice at a constant place, and what the step before gave.
// CHECK-LABEL: func.func @steps
// CHECK-NOT:   scf.for
// CHECK:       %[[X0:.*]] = tensor.extract_slice %{{.*}}[0] [4] [1]
// CHECK:       %[[H1:.*]] = linalg.add ins(%[[X0]], %{{.*}} :
// CHECK:       %[[X1:.*]] = tensor.extract_slice %{{.*}}[4] [4] [1]
// CHECK:       %[[H2:.*]] = linalg.add ins(%[[X1]], %[[H1]] :
// CHECK:       return %[[H2]]
// More operations than are wanted stay a loop.
// FEW-LABEL:   func.func @steps
// FEW:         scf.for
func.func @steps(%x: tensor<8xf32>, %h: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %r = scf.for %t = %c0 to %c8 step %c4 iter_args(%state = %h) -> (tensor<4xf32>) {
    %part = tensor.extract_slice %x[%t] [4] [1] : tensor<8xf32> to tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    %next = linalg.add ins(%part, %state : tensor<4xf32>, tensor<4xf32>)
                       outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// No step is made: the state stays.
// CHECK-LABEL: func.func @none
// CHECK-SAME:    %[[H:.*]]: tensor<4xf32>)
// CHECK:       return %[[H]]
func.func @none(%h: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %t = %c0 to %c0 step %c1 iter_args(%state = %h) -> (tensor<4xf32>) {
    %e = tensor.empty() : tensor<4xf32>
    %next = linalg.exp ins(%state : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// A number of steps that the input decides.
// CHECK-LABEL: func.func @unknown
// CHECK:       scf.for
func.func @unknown(%n: index, %h: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%state = %h) -> (tensor<4xf32>) {
    %e = tensor.empty() : tensor<4xf32>
    %next = linalg.exp ins(%state : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
