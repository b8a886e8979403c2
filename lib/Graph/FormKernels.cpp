//===- FormKernels.cpp - the graph is cut into kernels
//------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GraphUtils.h"
#include "KernelGroups.h"
#include "fairway/Graph/Passes.h"

namespace fairway {
#define GEN_PASS_DEF_FORMKERNELS
#include "fairway/Graph/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

/// Every result of an entry must be a kernel's own result, so that the kernel
/// can write straight into the caller's buffer: anything else is copied.
static void copyForeignResults(func::FuncOp func) {
  Operation *ret = func.getBody().front().getTerminator();
  llvm::DenseSet<Value> seen;
  for (OpOperand &operand : ret->getOpOperands()) {
    auto type = cast<RankedTensorType>(operand.get().getType());
    if (type.hasStaticShape() && type.getNumElements() == 0)
      continue; // There is nothing to write.
    Value source = operand.get();
    while (isReshape(source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    Operation *def = source.getDefiningOp();
    if (def && isCompute(def) && seen.insert(source).second)
      continue;
    OpBuilder builder(ret);
    operand.set(createTranspose(
        builder, ret->getLoc(), operand.get(),
        llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()))));
  }
}

/// A kernel changes its destination in place. A destination that something else
/// reads, or that belongs to the caller, is copied before.
static void ownDestinations(func::FuncOp func) {
  func.walk([](DestinationStyleOpInterface op) {
    if (!isCompute(op))
      return;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      Operation *def = init.get().getDefiningOp();
      if (isa_and_nonnull<tensor::EmptyOp, arith::ConstantOp>(def))
        continue;
      if (isa_and_nonnull<linalg::FillOp>(def) && !isCompute(def))
        continue; // Repeated inside the kernel.
      while (isReshape(def) && def->hasOneUse())
        def = def->getOperand(0).getDefiningOp();
      if (def && isCompute(def) && def->hasOneUse())
        continue;
      OpBuilder builder(op);
      if (isa_and_nonnull<linalg::FillOp>(def) &&
          def->getResult(0).getType() == init.get().getType()) {
        init.set(builder.clone(*def)->getResult(0));
        continue;
      }
      auto type = cast<RankedTensorType>(init.get().getType());
      init.set(createTranspose(
          builder, op.getLoc(), init.get(),
          llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()))));
    }
  });
}

/// What spreads a parameter over a larger tensor (a bias) is cheaper to repeat
/// in each kernel that starts from it than to write and read.
static void repeatBroadcasts(func::FuncOp func) {
  func.walk([](linalg::GenericOp op) {
    if (op->hasOneUse() || !isElementwise(op) || !isCopy(op) ||
        op.getNumDpsInputs() != 1 ||
        !op.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>() ||
        op.getMatchingIndexingMap(op.getDpsInputOperand(0)).getNumResults() >=
            op.getNumLoops())
      return;
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      auto user = dyn_cast<linalg::GenericOp>(use.getOwner());
      if (!user || !user.isDpsInit(&use) || op->hasOneUse())
        continue;
      OpBuilder builder(user);
      use.set(builder.clone(*op)->getResult(0));
    }
  });
}

namespace {
struct FormKernelsPass
    : public fairway::impl::FormKernelsBase<FormKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    KernelOutliner outliner(module);
    for (StringRef name : {"prepare", "main"}) {
      auto func = module.lookupSymbol<func::FuncOp>(name);
      if (!func)
        continue;
      repeatBroadcasts(func);
      ownDestinations(func);
      copyForeignResults(func);
      for (KernelGroup &group : groupIntoKernels(func))
        outliner.outline(func, group);
    }
    numKernels += outliner.numDistinct();
  }
};
} // namespace
