// RUN: fairway-opt --fairway-lower-math %s | FileCheck %s
// RUN: fairway-opt --fairway-lower-math=fma=false %s | FileCheck %s --check-prefix=NOFMA

// Functions are arithmetic already, or calls of the C library.
// CHECK-LABEL: @untouched
// CHECK: math.exp %{{.*}} : f64
// CHECK: math.tanh %{{.*}} : f32
func.func @untouched(%x: f64, %y: f32) -> (f64, f32) {
  %0 = math.exp %x : f64
  %1 = math.tanh %y : f32
  return %0, %1 : f64, f32
}

// CHECK-LABEL: @truncate
// CHECK: %[[F32:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.truncf %[[F32]] : f32 to f16
// CHECK: arith.truncf %{{.*}} : vector<4xf64> to vector<4xf32>
// CHECK-NOT: bf16
// CHECK: arith.bitcast %{{.*}} : vector<4xi16> to vector<4xbf16>
func.func @truncate(%x: f64, %y: vector<4xf64>) -> (f16, vector<4xbf16>) {
  %0 = arith.truncf %x : f64 to f16
  %1 = arith.truncf %y : vector<4xf64> to vector<4xbf16>
  return %0, %1 : f16, vector<4xbf16>
}

// CHECK-LABEL: @fma
// CHECK: math.fma
// CHECK: vector.fma
// NOFMA-LABEL: @fma
// NOFMA-NOT: fma
// NOFMA: arith.mulf
// NOFMA: arith.addf
// NOFMA: arith.mulf
// NOFMA: arith.addf
func.func @fma(%x: f32, %y: vector<8xf32>) -> (f32, vector<8xf32>) {
  %0 = math.fma %x, %x, %x : f32
  %1 = vector.fma %y, %y, %y : vector<8xf32>
  return %0, %1 : f32, vector<8xf32>
}

// CHECK-LABEL: @divide
// CHECK-NOT: arith.ceildivsi
func.func @divide(%x: index, %y: index) -> index {
  %0 = arith.ceildivsi %x, %y : index
  return %0 : index
}

// bf16 is only a type to store.
// CHECK-LABEL: @bfloat16
// CHECK: arith.addf %{{.*}} : vector<8xf32>
// CHECK: math.floor %{{.*}} : vector<8xf32>
// CHECK: vector.reduction <add>, %{{.*}} : vector<8xf32> into f32
// CHECK-NOT: arith.{{extf|truncf}}
func.func @bfloat16(%x: vector<8xbf16>) -> bf16 {
  %0 = arith.addf %x, %x : vector<8xbf16>
  %1 = math.floor %0 : vector<8xbf16>
  %2 = vector.reduction <add>, %1 : vector<8xbf16> into bf16
  return %2 : bf16
}
