//===- SplitModule.cpp - one module for each kernel -----------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SplitModule.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

SmallVector<fairway::KernelPart> fairway::findKernelParts(ModuleOp module) {
  SymbolTable table(module);
  SmallVector<KernelPart> parts;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (function.isExternal() ||
        function.getLinkage() == LLVM::Linkage::Internal)
      continue;
    llvm::SetVector<Operation *> needed;
    needed.insert(function);
    // Grows while it is walked.
    for (size_t i = 0; i < needed.size(); ++i)
      if (auto uses = SymbolTable::getSymbolUses(needed[i]))
        for (const SymbolTable::SymbolUse &use : *uses)
          if (Operation *used =
                  table.lookup(use.getSymbolRef().getRootReference()))
            needed.insert(used);

    KernelPart part{function, {needed.begin(), needed.end()}, 0};
    llvm::sort(part.symbols, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    for (Operation *symbol : part.symbols)
      symbol->walk([&](Operation *) { ++part.operations; });
    parts.push_back(std::move(part));
  }
  return parts;
}

OwningOpRef<ModuleOp> fairway::copyPart(const KernelPart &part) {
  LLVM::LLVMFuncOp kernel = part.kernel;
  auto whole = kernel->getParentOfType<ModuleOp>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(whole.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  for (Operation *symbol : part.symbols)
    builder.clone(*symbol);
  return module;
}
