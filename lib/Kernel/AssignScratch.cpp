//===- AssignScratch.cpp - allocations become views of scratch ------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace fairway {
#define GEN_PASS_DEF_ASSIGNSCRATCH
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// Cache lines, and the widest vectors.
constexpr int64_t kAlignment = 64;

/// The most bytes that `alloc` may need; nothing if that is not bounded.
std::optional<int64_t> boundBytes(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  int64_t elements = 1;
  unsigned dynamic = 0;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      Value value = alloc.getDynamicSizes()[dynamic++];
      FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
          presburger::BoundType::UB, value, /*stopCondition=*/nullptr,
          /*closedUB=*/true);
      if (failed(bound))
        return std::nullopt;
      size = std::max<int64_t>(*bound, 0);
    }
    elements *= size;
  }
  unsigned bits =
      type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  return elements * int64_t(llvm::divideCeil(bits, 8));
}

struct AssignScratch : public fairway::impl::AssignScratchBase<AssignScratch> {
  using AssignScratchBase::AssignScratchBase;

  void runOnOperation() override {
    for (func::FuncOp kernel : fairway::getKernels(getOperation()))
      if (failed(assign(kernel)))
        return signalPassFailure();
  }

  LogicalResult assign(func::FuncOp kernel) {
    SmallVector<memref::AllocOp> allocs;
    kernel.walk([&](Operation *op) {
      if (auto alloc = dyn_cast<memref::AllocOp>(op))
        allocs.push_back(alloc);
      else if (isa<memref::DeallocOp>(op))
        op->erase();
    });
    int64_t total = 0;
    SmallVector<int64_t> offsets;
    for (memref::AllocOp alloc : allocs) {
      std::optional<int64_t> bytes = boundBytes(alloc);
      if (!bytes)
        return alloc.emitOpError("has a size without a constant bound");
      offsets.push_back(total);
      total += llvm::alignTo(*bytes, kAlignment);
    }

    OpBuilder b(kernel.getContext());
    auto type = MemRefType::get({total}, b.getI8Type());
    Value scratch = fairway::appendArgument(kernel, type, [&](OpBuilder &at) {
      auto alloc = memref::AllocOp::create(at, kernel.getLoc(), type,
                                           at.getI64IntegerAttr(kAlignment));
      alloc->setAttr("fairway.scratch", at.getUnitAttr());
      return Value(alloc);
    });
    kernel->setAttr("fairway.scratch_bytes", b.getI64IntegerAttr(total));
    for (auto [alloc, offset] : llvm::zip(allocs, offsets)) {
      b.setInsertionPoint(alloc);
      Value at = arith::ConstantIndexOp::create(b, alloc.getLoc(), offset);
      Value view = memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(),
                                          scratch, at, alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
    return success();
  }
};

} // namespace
