//===- AnnotateKernels.cpp - what the plan guarantees of arguments
//---------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/Passes.h"
#include "fairway/Target/PlanAttributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringMap.h"

namespace fairway {
#define GEN_PASS_DEF_FAIRWAYANNOTATEKERNELS
#include "fairway/Target/Passes.h.inc"
} // namespace fairway

using namespace mlir;
using namespace fairway;

namespace {

/// Bytes that a memref of static shape and identity layout spans, else 0.
uint64_t sizeInBytes(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref || !memref.hasStaticShape() || !memref.getLayout().isIdentity() ||
      !memref.getElementType().isIntOrFloat())
    return 0;
  return uint64_t(memref.getNumElements()) *
         ((memref.getElementTypeBitWidth() + 7) / 8);
}

bool overlap(const BufferRef &a, uint64_t aBytes, const BufferRef &b,
             uint64_t bBytes) {
  return a.space == b.space && a.index == b.index &&
         a.offset < b.offset + bBytes && b.offset < a.offset + aBytes;
}

/// The buffers of a kernel that never overlap one another when one of them is
/// written, over all steps seen.
struct Kernel {
  func::FuncOp function;
  SmallVector<uint64_t> bytes; // one entry a buffer
  unsigned firstWritten = 0;
  llvm::BitVector aliased;
  bool used = false;

  explicit Kernel(func::FuncOp function) : function(function) {
    // Scratch, worker and workers come last.
    unsigned buffers = std::max<int>(0, int(function.getNumArguments()) - 3);
    for (Type type : function.getArgumentTypes().take_front(buffers))
      bytes.push_back(sizeInBytes(type));
    aliased.resize(buffers);
    if (auto outs = function->getAttrOfType<IntegerAttr>("fairway.num_outs"))
      firstWritten = buffers - std::min<int64_t>(buffers, outs.getInt());
  }

  void addStep(const PlanStep &step) {
    used = true;
    unsigned count = bytes.size();
    for (unsigned i = 0; i < count; ++i)
      for (unsigned j = std::max(i + 1, firstWritten); j < count; ++j)
        if (overlap(step.buffers[i], bytesOf(step, i), step.buffers[j],
                    bytesOf(step, j)))
          aliased.set(i), aliased.set(j);
  }

  /// An argument of an open size does not tell its own.
  uint64_t bytesOf(const PlanStep &step, unsigned i) const {
    return std::max(bytes[i], step.buffers[i].bytes);
  }

  void annotate() {
    MLIRContext *context = function.getContext();
    auto unit = UnitAttr::get(context);
    for (unsigned i = 0; i < bytes.size(); ++i) {
      auto set = [&](StringRef name, Attribute value) {
        function.setArgAttr(i, name, value);
      };
      bool isBuffer = isa<MemRefType>(function.getArgumentTypes()[i]);
      if (isBuffer && used && !aliased.test(i))
        set(LLVM::LLVMDialect::getNoAliasAttrName(), unit);
      if (bytes[i] == 0)
        continue;
      set(LLVM::LLVMDialect::getNonNullAttrName(), unit);
      set(LLVM::LLVMDialect::getNoUndefAttrName(), unit);
      set(LLVM::LLVMDialect::getDereferenceableAttrName(),
          IntegerAttr::get(IntegerType::get(context, 64), bytes[i]));
    }
    // This worker's own memory.
    if (!bytes.empty() || function.getNumArguments() == 3)
      function.setArgAttr(bytes.size(), LLVM::LLVMDialect::getNoAliasAttrName(),
                          unit);
  }
};

struct AnnotateKernels
    : fairway::impl::FairwayAnnotateKernelsBase<AnnotateKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::StringMap<Kernel> kernels;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr("fairway.kernel"))
        kernels.try_emplace(function.getName(), function);

    if (hasPlan(module)) {
      FailureOr<ModelPlan> plan = readModelPlan(module);
      if (failed(plan))
        return signalPassFailure();
      for (const Plan &part : {plan->run, plan->prepare})
        for (const PlanStep &step : part.steps) {
          auto found = kernels.find(step.kernel);
          if (found == kernels.end()) {
            module.emitError("the plan calls '")
                << step.kernel << "', which is no kernel of the module";
            return signalPassFailure();
          }
          if (found->second.bytes.size() != step.buffers.size()) {
            found->second.function.emitError("takes ")
                << found->second.bytes.size() << " buffers, the plan gives "
                << step.buffers.size();
            return signalPassFailure();
          }
          found->second.addStep(step);
        }
    }
    for (auto &entry : kernels)
      entry.second.annotate();
  }
};

} // namespace
