// RUN: fairway-opt %s -fairway-guard-divisions -split-input-file | FileCheck %s

// Nothing is divided by zero, nor the least number by minus one.
// CHECK-LABEL: func.func @quotient(
// CHECK-SAME:    %[[X:.*]]: i64, %[[Y:.*]]: i64)
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1 : i64
// CHECK-DAG:     %[[IS_ZERO:.*]] = arith.cmpi eq, %[[Y]], %{{.*}}
// CHECK-DAG:     %[[IS_MINUS_ONE:.*]] = arith.cmpi eq, %[[Y]], %{{.*}}
// CHECK:         %[[TRAPS:.*]] = arith.ori %[[IS_ZERO]], %[[IS_MINUS_ONE]]
// CHECK:         %[[SAFE:.*]] = arith.select %[[TRAPS]], %[[ONE]], %[[Y]]
// CHECK:         %[[Q:.*]] = arith.divsi %[[X]], %[[SAFE]]
// CHECK:         %[[NEGATED:.*]] = arith.subi %[[ZERO]], %[[X]]
// CHECK:         %[[SELECTED:.*]] = arith.select %[[IS_MINUS_ONE]], %[[NEGATED]], %[[Q]]
// CHECK:         %[[R:.*]] = arith.select %[[IS_ZERO]], %[[ZERO]], %[[SELECTED]]
// CHECK:         return %[[R]]
func.func @quotient(%x: i64, %y: i64) -> i64 {
  %q = arith.divsi %x, %y : i64
  return %q : i64
}

// -----

// CHECK-LABEL: func.func @rest(
// CHECK:         %[[SAFE:.*]] = arith.select
// CHECK:         %[[R:.*]] = arith.remui %{{.*}}, %[[SAFE]] : vector<4xi32>
// CHECK-NEXT:    return %[[R]]
func.func @rest(%x: vector<4xi32>, %y: vector<4xi32>) -> vector<4xi32> {
  %r = arith.remui %x, %y : vector<4xi32>
  return %r : vector<4xi32>
}

// -----

// What is known to be harmless, and positions, stay as they are.
// CHECK-LABEL: func.func @harmless(
// CHECK-NOT:     arith.select
func.func @harmless(%x: vector<4xi32>, %i: index, %j: index) -> (vector<4xi32>, index) {
  %three = arith.constant dense<3> : vector<4xi32>
  %q = arith.divsi %x, %three : vector<4xi32>
  %k = arith.divsi %i, %j : index
  return %q, %k : vector<4xi32>, index
}

// -----

// CHECK-LABEL: func.func @floored(
// CHECK-NOT:     arith.floordivsi
// CHECK:         arith.select
// CHECK:         arith.divsi
func.func @floored(%x: i32, %y: i32) -> i32 {
  %q = arith.floordivsi %x, %y : i32
  return %q : i32
}
