//===- WrapKernels.cpp - the artefact's calling convention
//-----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace fairway {
#define GEN_PASS_DEF_FAIRWAYWRAPKERNELS
#include "fairway/Target/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

struct WrapKernels : fairway::impl::FairwayWrapKernelsBase<WrapKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<LLVM::LLVMFuncOp> kernels;
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      function.setNoUnwind(true);
      if (function.isExternal())
        continue;
      function.setLinkage(LLVM::Linkage::Internal);
      function.setSymVisibility(std::nullopt);
      if (function->hasAttr("fairway.kernel"))
        kernels.push_back(function);
    }
    for (LLVM::LLVMFuncOp kernel : kernels)
      if (failed(wrap(kernel)))
        return signalPassFailure();
  }

  LogicalResult wrap(LLVM::LLVMFuncOp body) {
    LLVM::LLVMFunctionType type = body.getFunctionType();
    unsigned arguments = type.getNumParams();
    MLIRContext *context = body.getContext();
    OpBuilder builder(body);
    auto pointer = LLVM::LLVMPointerType::get(context);
    Type index = builder.getI64Type();
    bool fits = arguments >= 3 && type.getParamType(arguments - 3) == pointer &&
                type.getParamType(arguments - 2) == index &&
                type.getParamType(arguments - 1) == index &&
                isa<LLVM::LLVMVoidType>(type.getReturnType());
    for (unsigned i = 0; fits && i + 3 < arguments; ++i)
      fits = type.getParamType(i) == pointer;
    if (!fits)
      return body.emitError("a kernel takes buffers of static shape, scratch "
                            "memory, a worker's number and the number of "
                            "workers, and returns nothing");

    std::string name = body.getName().str();
    body.setName(name + ".body");
    body.setNoInline(true);
    Location loc = body.getLoc();
    auto wrapper = LLVM::LLVMFuncOp::create(
        builder, loc, name,
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                    {pointer, pointer, index, index}),
        LLVM::Linkage::External, /*dsoLocal=*/true);
    wrapper.setVisibility_(LLVM::Visibility::Hidden);
    wrapper.setNoUnwind(true);

    Block *entry = wrapper.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    SmallVector<Value> operands;
    for (unsigned i = 0; i + 3 < arguments; ++i) {
      Value slot = entry->getArgument(0);
      if (i > 0)
        slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, slot,
                                   ArrayRef<LLVM::GEPArg>{int32_t(i)});
      operands.push_back(LLVM::LoadOp::create(builder, loc, pointer, slot));
    }
    llvm::append_range(operands, entry->getArguments().drop_front(1));
    LLVM::CallOp::create(builder, loc, body, operands);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    return success();
  }
};

} // namespace
