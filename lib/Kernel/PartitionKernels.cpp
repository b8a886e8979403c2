//===- PartitionKernels.cpp - each worker runs its share of the tiles -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelCalls.h"
#include "TileRegions.h"
#include "fairway/Kernel/Passes.h"

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
      if (failed(partition(kernel)))
        return signalPassFailure();
  }

  LogicalResult partition(func::FuncOp kernel) {
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
    for (scf::ForallOp loop : loops) {
      FailureOr<int64_t> count = distribute(loop, worker, workers);
      if (failed(count))
        return failure();
      tiles = std::max(tiles, *count);
    }
    if (loops.empty())
      runOnFirstWorker(body, worker);
    OpBuilder b(&getContext());
    kernel->setAttr("fairway.tiles", b.getI64IntegerAttr(tiles));
    return success();
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
  FailureOr<int64_t> distribute(scf::ForallOp loop, Value worker,
                                Value workers) {
    auto lower = getConstantIntValues(loop.getMixedLowerBound());
    auto upper = getConstantIntValues(loop.getMixedUpperBound());
    auto steps = getConstantIntValues(loop.getMixedStep());
    if (!lower || !upper || !steps)
      return loop.emitOpError("has bounds that are not constant");
    SmallVector<int64_t> counts;
    int64_t total = 1;
    for (auto [lo, hi, step] : llvm::zip(*lower, *upper, *steps)) {
      counts.push_back(hi > lo ? int64_t(llvm::divideCeil(hi - lo, step)) : 0);
      total *= counts.back();
    }

    OpBuilder b(loop);
    Location loc = loop.getLoc();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    auto bound = [&](Value index) -> Value {
      Value scaled = arith::MulIOp::create(b, loc, index, constant(total));
      return arith::DivUIOp::create(b, loc, scaled, workers);
    };
    Value first = bound(worker);
    Value next = arith::AddIOp::create(b, loc, worker, constant(1));
    Value last = bound(next);
    auto share = scf::ForOp::create(b, loc, first, last, constant(1));

    b.setInsertionPointToStart(share.getBody());
    SmallVector<Value> ivs(counts.size());
    Value rest = share.getInductionVar();
    for (unsigned i = counts.size(); i-- > 0;) {
      Value position = rest;
      if (i > 0) {
        position = arith::RemUIOp::create(b, loc, rest, constant(counts[i]));
        rest = arith::DivUIOp::create(b, loc, rest, constant(counts[i]));
      }
      Value scaled =
          arith::MulIOp::create(b, loc, position, constant((*steps)[i]));
      ivs[i] = arith::AddIOp::create(b, loc, scaled, constant((*lower)[i]));
    }
    for (auto [from, to] : llvm::zip(loop.getInductionVars(), ivs))
      from.replaceAllUsesWith(to);
    Block *source = loop.getBody();
    source->getTerminator()->erase();
    share.getBody()->getOperations().splice(
        share.getBody()->getTerminator()->getIterator(),
        source->getOperations());
    loop.erase();
    return total;
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
