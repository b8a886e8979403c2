// RUN: fairway-opt --fairway-wrap-kernels --split-input-file --verify-diagnostics %s | FileCheck %s

// CHECK-LABEL: llvm.func hidden @k(
// CHECK-SAME: %[[BUFFERS:.*]]: !llvm.ptr, %[[SCRATCH:.*]]: !llvm.ptr, %[[WORKER:.*]]: i64, %[[WORKERS:.*]]: i64)
// CHECK: %[[A:.*]] = llvm.load %[[BUFFERS]]
// CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[BUFFERS]][1]
// CHECK: %[[B:.*]] = llvm.load %[[SLOT]]
// CHECK: llvm.call @k.body(%[[A]], %[[B]], %[[SCRATCH]], %[[WORKER]], %[[WORKERS]])
// CHECK: llvm.func internal @k.body({{.*}}no_inline, no_unwind
llvm.func @k(%a: !llvm.ptr, %b: !llvm.ptr, %scratch: !llvm.ptr, %worker: i64, %workers: i64)
    attributes {fairway.kernel = "add"} {
  llvm.return
}

// Others become internal; declarations stay.
// CHECK: llvm.func internal @helper()
// CHECK: llvm.func @erff(f32) -> f32
llvm.func @helper() {
  llvm.return
}
llvm.func @erff(f32) -> f32

// -----

// expected-error @below {{a kernel takes buffers of static shape}}
llvm.func @wrong(%a: f32, %scratch: !llvm.ptr, %worker: i64, %workers: i64)
    attributes {fairway.kernel = "add"} {
  llvm.return
}
