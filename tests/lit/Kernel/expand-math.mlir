// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: fairway-opt %s --pass-pipeline='builtin.module(func.func(fairway-expand-math))' | FileCheck %s

// CHECK-LABEL: func.func @polynomials
// CHECK-NOT:   math.{{exp|tanh|erf|log|rsqrt}}
// CHECK:       return
func.func @polynomials(%x: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.tanh %x : vector<8xf32>
  %2 = math.erf %x : vector<8xf32>
  %3 = math.log %x : vector<8xf32>
  %4 = math.rsqrt %x : vector<8xf32>
  return %0, %1, %2, %3, %4 : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
}

// Double precision keeps its precision: one call per lane.
// CHECK-LABEL: func.func @double
// CHECK-COUNT-2: math.exp %{{.*}} : f64
// CHECK:         vector.from_elements
func.func @double(%x: vector<2xf64>) -> vector<2xf64> {
  %0 = math.exp %x : vector<2xf64>
  return %0 : vector<2xf64>
}

// CHECK-LABEL: func.func @half
// CHECK:       arith.extf %{{.*}} : vector<8xf16> to vector<8xf32>
// CHECK-NOT:   math.exp
// CHECK:       arith.truncf
func.func @half(%x: vector<8xf16>) -> vector<8xf16> {
  %0 = math.exp %x : vector<8xf16>
  return %0 : vector<8xf16>
}

// CHECK-LABEL: func.func @bfloat
// CHECK:       arith.shli
// CHECK-NOT:   arith.extf
func.func @bfloat(%x: vector<8xbf16>) -> vector<8xf32> {
  %0 = arith.extf %x : vector<8xbf16> to vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @native
// CHECK:       math.sqrt %{{.*}} : vector<8xf32>
// CHECK:       math.floor %{{.*}} : vector<8xf32>
func.func @native(%x: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>) {
  %0 = math.sqrt %x : vector<8xf32>
  %1 = math.floor %x : vector<8xf32>
  return %0, %1 : vector<8xf32>, vector<8xf32>
}

// Sigmoid is one function, and silu its product.
// CHECK-LABEL: func.func @sigmoid
// CHECK:       arith.divf
// CHECK-NOT:   arith.divf
// CHECK:       %[[SIGMOID:.*]] = math.fma
// CHECK:       arith.mulf %{{.*}}, %[[SIGMOID]]
func.func @sigmoid(%x: vector<8xf32>) -> vector<8xf32> {
  %one = arith.constant dense<1.0> : vector<8xf32>
  %0 = arith.negf %x : vector<8xf32>
  %1 = math.exp %0 : vector<8xf32>
  %2 = arith.addf %1, %one : vector<8xf32>
  %3 = arith.divf %x, %2 : vector<8xf32>
  return %3 : vector<8xf32>
}

// One branch for all lanes: large arguments are reduced in double precision.
// CHECK-LABEL: func.func @sine
// CHECK:       vector.reduction <or>
// CHECK:       scf.if
// CHECK:       arith.extf
// CHECK:       else
// CHECK-NOT:   arith.extf
// CHECK-NOT:   math.{{sin|cos}}
// CHECK:       return
func.func @sine(%x: vector<8xf32>) -> (vector<8xf32>, f32) {
  %0 = math.sin %x : vector<8xf32>
  %1 = vector.extract %x[0] : f32 from vector<8xf32>
  return %0, %1 : vector<8xf32>, f32
}

// CHECK-LABEL: func.func @scalar
// CHECK-NOT:   math.{{exp2|log10|cos}}
// CHECK:       return
func.func @scalar(%x: f32) -> f32 {
  %0 = math.exp2 %x : f32
  %1 = math.log10 %0 : f32
  %2 = math.cos %1 : f32
  return %2 : f32
}

// CHECK-LABEL: func.func @cube
// CHECK-COUNT-2: arith.mulf
// CHECK-NOT:   math.powf
func.func @cube(%x: vector<8xf32>) -> vector<8xf32> {
  %three = arith.constant dense<3.0> : vector<8xf32>
  %0 = math.powf %x, %three : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @power_of_two
// CHECK-NOT:   math.{{powf|exp2}}
// CHECK:       return
func.func @power_of_two(%x: vector<8xf32>) -> vector<8xf32> {
  %two = arith.constant dense<2.0> : vector<8xf32>
  %0 = math.powf %two, %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @maximum
// CHECK:       arith.maximumf %{{.*}}, %{{.*}} fastmath<nsz>
func.func @maximum(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %0 = arith.maximumf %x, %y : vector<8xf32>
  return %0 : vector<8xf32>
}

// GELU is one function however it is written: here by erf, dividing, of a sum
// that is not read as a part of it.
// CHECK-LABEL: func.func @gelu
// CHECK:       %[[X:.*]] = arith.addf
// CHECK-NOT:   arith.{{divf|select}} %[[X]]
// CHECK:       %[[GATED:.*]] = math.fma %{{.*}}, %{{.*}}, %[[X]]
// CHECK-NEXT:  %[[RESULT:.*]] = arith.mulf %[[GATED]]
// CHECK-NEXT:  return %[[RESULT]]
func.func @gelu(%y: vector<8xf32>, %bias: vector<8xf32>) -> vector<8xf32> {
  %x = arith.addf %y, %bias : vector<8xf32>
  %root = arith.constant dense<1.41421354> : vector<8xf32>
  %one = arith.constant dense<1.0> : vector<8xf32>
  %half = arith.constant dense<0.5> : vector<8xf32>
  %0 = arith.divf %x, %root : vector<8xf32>
  %1 = math.erf %0 : vector<8xf32>
  %2 = arith.addf %1, %one : vector<8xf32>
  %3 = arith.mulf %2, %half : vector<8xf32>
  %4 = arith.mulf %x, %3 : vector<8xf32>
  return %4 : vector<8xf32>
}

// By tanh, with a power, and a constant that is rounded in the model.
// CHECK-LABEL: func.func @gelu_tanh
// CHECK-SAME:  %[[X:.*]]: vector<8xf32>
// CHECK-NOT:   arith.divf
// CHECK:       %[[GATED:.*]] = math.fma %{{.*}}, %{{.*}}, %[[X]]
// CHECK-NEXT:  arith.mulf %[[GATED]]
func.func @gelu_tanh(%x: vector<8xf32>) -> vector<8xf32> {
  %three = arith.constant dense<3.0> : vector<8xf32>
  %cubic = arith.constant dense<0.044715> : vector<8xf32>
  %double = arith.constant 0.79788456080286541 : f64
  %single = arith.truncf %double : f64 to f32
  %slope = vector.broadcast %single : f32 to vector<8xf32>
  %one = arith.constant dense<1.0> : vector<8xf32>
  %half = arith.constant dense<0.5> : vector<8xf32>
  %0 = math.powf %x, %three : vector<8xf32>
  %1 = arith.mulf %0, %cubic : vector<8xf32>
  %2 = arith.addf %x, %1 : vector<8xf32>
  %3 = arith.mulf %2, %slope : vector<8xf32>
  %4 = math.tanh %3 : vector<8xf32>
  %5 = arith.addf %4, %one : vector<8xf32>
  %6 = arith.mulf %half, %x : vector<8xf32>
  %7 = arith.mulf %6, %5 : vector<8xf32>
  return %7 : vector<8xf32>
}

// Another slope is another function.
// CHECK-LABEL: func.func @not_gelu
// CHECK-SAME:  %[[X:.*]]: vector<8xf32>
// CHECK:       %[[ARGUMENT:.*]] = arith.mulf %[[X]]
// CHECK:       math.copysign %{{.*}}, %[[ARGUMENT]]
func.func @not_gelu(%x: vector<8xf32>) -> vector<8xf32> {
  %slope = arith.constant dense<0.71> : vector<8xf32>
  %one = arith.constant dense<1.0> : vector<8xf32>
  %half = arith.constant dense<0.5> : vector<8xf32>
  %0 = arith.mulf %x, %slope : vector<8xf32>
  %1 = math.erf %0 : vector<8xf32>
  %2 = arith.addf %1, %one : vector<8xf32>
  %3 = arith.mulf %2, %half : vector<8xf32>
  %4 = arith.mulf %x, %3 : vector<8xf32>
  return %4 : vector<8xf32>
}

// Powers take logarithm and exponential in double precision.
// CHECK-LABEL: func.func @power
// CHECK-NOT:   math.powf
// CHECK:       arith.divf %{{.*}} : vector<8xf64>
// CHECK:       arith.truncf %{{.*}} : vector<8xf64> to vector<8xf32>
// CHECK-NOT:   math.powf
func.func @power(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %0 = math.powf %x, %y : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @double_power
// CHECK-COUNT-2: math.powf %{{.*}} : f64
func.func @double_power(%x: vector<2xf64>, %y: vector<2xf64>) -> vector<2xf64> {
  %0 = math.powf %x, %y : vector<2xf64>
  return %0 : vector<2xf64>
}
