//===- AssignScratch.cpp - allocations become views of scratch ------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"
#include "OpenKernel.h"
#include "Scratch.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace fairway {
#define GEN_PASS_DEF_ASSIGNSCRATCH
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

std::optional<int64_t> fairway::boundBytes(memref::AllocOp alloc) {
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

namespace {

/// Offsets in a kernel of open sizes: sums of bounds that its call knows.
class OpenOffsets {
public:
  explicit OpenOffsets(func::FuncOp kernel)
      : kernel(kernel), b(OpBuilder::atBlockBegin(&kernel.getBody().front())) {}

  OpFoldResult next(memref::AllocOp alloc) {
    OpFoldResult start = end;
    Location loc = kernel.getLoc();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    auto bound = alloc->getAttrOfType<IntegerAttr>(fairway::kBoundAttr);
    Value bytes = fairway::loadExpression(b, kernel, bound.getInt());
    Value at = getValueOrCreateConstantIndexOp(b, loc, start);
    Value sum = arith::AddIOp::create(b, loc, at, bytes);
    Value up = arith::AddIOp::create(b, loc, sum,
                                     constant(fairway::kScratchAlignment - 1));
    end =
        arith::AndIOp::create(b, loc, up, constant(-fairway::kScratchAlignment))
            .getResult();
    return start;
  }

private:
  func::FuncOp kernel;
  OpBuilder b;
  OpFoldResult end = b.getIndexAttr(0);
};

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
    bool open = fairway::isOpen(kernel);
    int64_t total = 0;
    SmallVector<OpFoldResult> offsets;
    OpBuilder b(kernel.getContext());
    OpenOffsets opened(kernel);
    for (memref::AllocOp alloc : allocs) {
      if (open) {
        offsets.push_back(opened.next(alloc));
        continue;
      }
      std::optional<int64_t> bytes = fairway::boundBytes(alloc);
      if (!bytes)
        return alloc.emitOpError("has a size without a constant bound");
      offsets.push_back(b.getIndexAttr(total));
      total += llvm::alignTo(*bytes, fairway::kScratchAlignment);
    }

    auto type = MemRefType::get({total}, b.getI8Type());
    Value scratch = fairway::appendArgument(kernel, type, [&](OpBuilder &at) {
      auto alloc = memref::AllocOp::create(
          at, kernel.getLoc(), type,
          at.getI64IntegerAttr(fairway::kScratchAlignment));
      alloc->setAttr("fairway.scratch", at.getUnitAttr());
      return Value(alloc);
    });
    kernel->setAttr("fairway.scratch_bytes", b.getI64IntegerAttr(total));
    for (auto [alloc, offset] : llvm::zip(allocs, offsets)) {
      b.setInsertionPoint(alloc);
      Value at = getValueOrCreateConstantIndexOp(b, alloc.getLoc(), offset);
      Value view = memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(),
                                          scratch, at, alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
    return success();
  }
};

} // namespace
