//===- RemoveAsserts.cpp - drops run-time assertions
//--------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Graph/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fairway {
#define GEN_PASS_DEF_REMOVEASSERTS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {
struct RemoveAsserts : public fairway::impl::RemoveAssertsBase<RemoveAsserts> {
  void runOnOperation() override {
    getOperation()->walk([&](cf::AssertOp op) {
      op.erase();
      ++numRemoved;
    });
  }
};
} // namespace
