// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s -fairway-verify-sizes -split-input-file -verify-diagnostics

// What is of a known size passes, whatever else it is.
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// How long it is, the input decides.
func.func @main(%x: tensor<4xf32>, %n: tensor<i64>) -> tensor<4xf32> {
  %count = tensor.extract %n[] : tensor<i64>
  %size = arith.index_cast %count : i64 to index
  %part = tensor.extract_slice %x[0] [%size] [1] : tensor<4xf32> to tensor<?xf32>
  // expected-error @below {{the sizes of what it takes ('tensor<?xf32>') depend on the values of tensors}}
  %whole = tensor.insert_slice %part into %x[0] [%size] [1] : tensor<?xf32> into tensor<4xf32>
  return %whole : tensor<4xf32>
}

// -----

// A slice of that slice is of a known size again.
func.func @main(%x: tensor<4xf32>, %n: tensor<i64>) -> tensor<2xf32> {
  %count = tensor.extract %n[] : tensor<i64>
  %size = arith.index_cast %count : i64 to index
  %part = tensor.extract_slice %x[0] [%size] [1] : tensor<4xf32> to tensor<?xf32>
  %two = tensor.extract_slice %part[0] [2] [1] : tensor<?xf32> to tensor<2xf32>
  return %two : tensor<2xf32>
}
