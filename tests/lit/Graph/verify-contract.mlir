// RUN: fairway-opt %s -fairway-verify-contract -split-input-file -verify-diagnostics -allow-unregistered-dialect

// What the contract allows passes without a word.
func.func @main(%x: tensor<4xf32> {fairway.name = "x"}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{has no function @main}}
module {
  func.func @other() {
    return
  }
}

// -----

// expected-error @below {{argument 'x' has the dynamic shape 'tensor<?xf32>'}}
func.func @main(%x: tensor<?xf32> {fairway.name = "x"}) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// expected-error @below {{argument number 0 has elements of type 'complex<f32>'}}
func.func @main(%x: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
  %0 = tensor.empty() : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{unsupported operation 'torch.aten.foo'}}
  %0 = "torch.aten.foo"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %n: tensor<i1>) -> tensor<4xf32> {
  %c = tensor.extract %n[] : tensor<i1>
  // expected-error @below {{dynamic control flow (scf.if) is not supported}}
  %0 = scf.if %c -> tensor<4xf32> {
    scf.yield %x : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// expected-error @below {{keeps state between calls}}
ml_program.global private mutable @seed(dense<0> : tensor<i64>) : tensor<i64>

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml_program.global_load @seed : tensor<i64>
  return %x : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = func.call @elsewhere(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// expected-error @below {{the function @elsewhere has no body}}
func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>

// -----

// What would be computed wrongly for some inputs.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %first = tensor.extract %x[%c0] : tensor<4xf32>
  %ok = arith.cmpf une, %first, %zero : f32
  // expected-error @below {{unsupported operation: for some inputs it is unimplemented: singular}}
  cf.assert %ok, "unimplemented: singular matrices"
  return %x : tensor<4xf32>
}

// -----

// A reciprocal of zero is infinite: nothing is left to check.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %first = tensor.extract %x[%c0] : tensor<4xf32>
  %ok = arith.cmpf une, %first, %zero : f32
  cf.assert %ok, "unimplemented: tensor with zero element"
  return %x : tensor<4xf32>
}

// -----

// A tensor does not change its sizes by being dynamic in between.
func.func @main(%x: tensor<4xf32>) -> tensor<3xf32> {
  %0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  // expected-error @below {{its importer takes 'tensor<4xf32>' for 'tensor<3xf32>'}}
  %1 = tensor.cast %0 : tensor<?xf32> to tensor<3xf32>
  return %1 : tensor<3xf32>
}
