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
