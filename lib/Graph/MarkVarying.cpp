//===- MarkVarying.cpp - what depends on open sizes is marked -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "fairway/Graph/Passes.h"
#include "fairway/Support/Lockstep.h"
#include "fairway/Support/Sizes.h"

namespace fairway {
#define GEN_PASS_DEF_MARKVARYING
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {
struct MarkVarying : public fairway::impl::MarkVaryingBase<MarkVarying> {
  void runOnOperation() override {
    SmallVector<Operation *> mains;
    for (ModuleOp sample : fairway::getSamples(getOperation()))
      if (auto main = sample.lookupSymbol<func::FuncOp>("main"))
        mains.push_back(main);
    if (mains.empty())
      return;
    SmallVector<SmallVector<Operation *>> varying;
    auto visit = [&](fairway::Counterparts ops) {
      bool outermost = ops.front()->getParentOp() == mains.front();
      if (outermost && !fairway::areEqual(ops))
        varying.emplace_back(ops);
    };
    if (failed(fairway::walkInStep(mains, visit)))
      return signalPassFailure();
    for (ArrayRef<Operation *> ops : varying)
      for (Operation *op : ops)
        op->setAttr(fairway::kVaryingAttr, UnitAttr::get(&getContext()));
    numVarying += varying.size();
  }
};
} // namespace
