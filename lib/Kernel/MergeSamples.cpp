//===- MergeSamples.cpp - kernels of samples become one for all sizes -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"
#include "MergeKernel.h"
#include "fairway/Kernel/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_MERGESAMPLES
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {
struct MergeSamples : public fairway::impl::MergeSamplesBase<MergeSamples> {
  void runOnOperation() override {
    ModuleOp wrapper = getOperation();
    SmallVector<ModuleOp> samples = fairway::getSamples(wrapper);
    if (samples.empty())
      return;
    FailureOr<fairway::OpenSizes> sizes = fairway::OpenSizes::of(samples);
    if (failed(sizes))
      return signalPassFailure();
    SmallVector<SmallVector<func::FuncOp>> kernels;
    for (ModuleOp sample : samples) {
      kernels.push_back(fairway::getKernels(sample));
      if (kernels.back().size() != kernels.front().size()) {
        wrapper.emitError("unsupported operation: how the model is cut into "
                          "kernels depends on sizes that are to stay open");
        return signalPassFailure();
      }
    }
    if (failed(moveGlobals(wrapper, samples)))
      return signalPassFailure();
    fairway::ExpressionTable table(sizes->sizes().size());
    OpBuilder builder = OpBuilder::atBlockEnd(wrapper.getBody());
    llvm::SmallSetVector<int64_t, 4> scratch;
    for (size_t i = 0; i < kernels.front().size(); ++i) {
      SmallVector<func::FuncOp> same;
      for (ArrayRef<func::FuncOp> list : kernels)
        same.push_back(list[i]);
      auto merged = cast<func::FuncOp>(builder.clone(*same.front()));
      FailureOr<int64_t> bytes =
          fairway::mergeKernel(merged, same, *sizes, table);
      if (failed(bytes))
        return signalPassFailure();
      scratch.insert(*bytes);
      ++numMerged;
    }
    writeDown(wrapper, table, scratch.getArrayRef());
  }

  /// Constant tables, such as a transform's, do not depend on sizes.
  static LogicalResult moveGlobals(ModuleOp wrapper,
                                   ArrayRef<ModuleOp> samples) {
    OpBuilder builder = OpBuilder::atBlockBegin(wrapper.getBody());
    ModuleOp first = samples.front();
    for (auto global : first.getOps<memref::GlobalOp>()) {
      for (ModuleOp sample : samples) {
        auto other = sample.lookupSymbol<memref::GlobalOp>(global.getName());
        if (!other || other->getAttrs() != global->getAttrs())
          return global.emitError("unsupported operation: a constant in it "
                                  "depends on sizes that are to stay open");
      }
      builder.clone(*global);
    }
    return success();
  }

  /// Leaves on the module what the Plan stage goes on with.
  static void writeDown(ModuleOp wrapper, const fairway::ExpressionTable &table,
                        ArrayRef<int64_t> scratch) {
    Builder b(wrapper.getContext());
    wrapper->setAttr(fairway::kExpressionsAttr,
                     fairway::toAttr(table.all(), b));
    wrapper->setAttr(fairway::kScratchAttr, b.getI64ArrayAttr(scratch));
  }
};
} // namespace
