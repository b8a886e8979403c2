//===- PartitionKernels.cpp - each worker runs its share of the tiles -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"
#include "TileRegions.h"
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

namespace fairway {
#define GEN_PASS_DEF_PARTITIONKERNELS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

struct PartitionKernels
    : public fairway::impl::PartitionKernelsBase<PartitionKernels> {
  using PartitionKernelsBase::PartitionKernelsBase;

  void runOnOperation() override {
    for (func::FuncOp kernel : fairway::getKernels(getOperation()))
      partition(kernel);
  }

  void partition(func::FuncOp kernel) {
    auto constant = [&](int64_t value) {
      return [&, value](OpBuilder &b) -> Value {
        return arith::ConstantIndexOp::create(b, kernel.getLoc(), value);
      };
    };
    // A caller that knows of no workers is the only one.
    Type index = IndexType::get(&getContext());
    Value worker = fairway::appendArgument(kernel, index, constant(0));
    Value workers = fairway::appendArgument(kernel, index, constant(1));

    Block &body = kernel.getBody().front();
    SmallVector<scf::ForallOp> loops(body.getOps<scf::ForallOp>());
    int64_t tiles = 1;
    if (loops.size() == 1 && hasConstantBounds(loops.front()))
      describe(kernel, loops.front());
    for (scf::ForallOp loop : loops)
      tiles = std::max(tiles, distribute(loop, worker, workers));
    if (loops.empty())
      runOnFirstWorker(body, worker);
    OpBuilder b(&getContext());
    kernel->setAttr("fairway.tiles", b.getI64IntegerAttr(tiles));
  }

  static bool hasConstantBounds(scf::ForallOp loop) {
    return getConstantIntValues(loop.getMixedLowerBound()) &&
           getConstantIntValues(loop.getMixedUpperBound()) &&
           getConstantIntValues(loop.getMixedStep());
  }

  /// Tells the plan what the tiles are, and which parts of the buffers each of
  /// them touches.
  static void describe(func::FuncOp kernel, scf::ForallOp loop) {
    OpBuilder b(kernel.getContext());
    fairway::TileRegions regions = fairway::findTileRegions(kernel, loop);
    // The last arguments are scratch memory and the two numbers.
    ArrayRef<int64_t> slabs(regions.slabs);
    kernel->setAttr("fairway.slabs", b.getDenseI64ArrayAttr(slabs.drop_back(
                                         std::min<size_t>(3, slabs.size()))));
    SmallVector<Attribute> dimensions;
    for (fairway::TiledDimension dimension : regions.dimensions)
      dimensions.push_back(
          b.getI64ArrayAttr({dimension.extent, dimension.tile}));
    kernel->setAttr("fairway.dimensions", b.getArrayAttr(dimensions));
  }

  /// Replaces `loop` by the `worker`-th of `workers` equal shares of it.
  /// Returns the number of tiles; 0 if sizes decide it.
  int64_t distribute(scf::ForallOp loop, Value worker, Value workers) {
    OpBuilder b(loop);
    Location loc = loop.getLoc();
    auto fold = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
      return affine::makeComposedFoldedAffineApply(b, loc, expr, operands);
    };
    auto value = [&](OpFoldResult folded) {
      return getValueOrCreateConstantIndexOp(b, loc, folded);
    };
    AffineExpr s0 = b.getAffineSymbolExpr(0), s1 = b.getAffineSymbolExpr(1),
               s2 = b.getAffineSymbolExpr(2);
    SmallVector<OpFoldResult> lower = loop.getMixedLowerBound();
    SmallVector<OpFoldResult> steps = loop.getMixedStep();
    SmallVector<OpFoldResult> counts;
    OpFoldResult total = b.getIndexAttr(1);
    for (auto [lo, hi, step] :
         llvm::zip(lower, loop.getMixedUpperBound(), steps)) {
      counts.push_back(fold((s1 - s0).ceilDiv(s2), {lo, hi, step}));
      total = fold(s0 * s1, {total, counts.back()});
    }
    auto bound = [&](Value index) -> Value {
      Value scaled = arith::MulIOp::create(b, loc, index, value(total));
      return arith::DivUIOp::create(b, loc, scaled, workers);
    };
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value first = bound(worker);
    Value last = bound(arith::AddIOp::create(b, loc, worker, one));
    auto share = scf::ForOp::create(b, loc, first, last, one);

    b.setInsertionPointToStart(share.getBody());
    SmallVector<Value> ivs(counts.size());
    Value rest = share.getInductionVar();
    for (unsigned i = counts.size(); i-- > 0;) {
      Value position = rest;
      if (i > 0) {
        Value count = value(counts[i]);
        position = arith::RemUIOp::create(b, loc, rest, count);
        rest = arith::DivUIOp::create(b, loc, rest, count);
      }
      Value scaled = arith::MulIOp::create(b, loc, position, value(steps[i]));
      ivs[i] = arith::AddIOp::create(b, loc, scaled, value(lower[i]));
    }
    for (auto [from, to] : llvm::zip(loop.getInductionVars(), ivs))
      from.replaceAllUsesWith(to);
    Block *source = loop.getBody();
    source->getTerminator()->erase();
    share.getBody()->getOperations().splice(
        share.getBody()->getTerminator()->getIterator(),
        source->getOperations());
    loop.erase();
    return getConstantIntValue(total).value_or(0);
  }

  /// Work that is not divided must not be done twice at the same time.
  void runOnFirstWorker(Block &body, Value worker) {
    if (body.without_terminator().empty())
      return;
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    Location loc = body.getTerminator()->getLoc();
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value first =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, worker, zero);
    auto only = scf::IfOp::create(b, loc, first, /*withElseRegion=*/false);
    only.thenBlock()->getOperations().splice(
        only.thenBlock()->begin(), body.getOperations(),
        std::next(only->getIterator()), body.getTerminator()->getIterator());
  }
};

} // namespace
