//===- OrderProducers.cpp - producers next to their consumers -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace fairway {
#define GEN_PASS_DEF_ORDERPRODUCERS
#include "fairway/Kernel/Passes.h.inc"
} // namespace fairway

using namespace mlir;

namespace {

/// Orders the ops of one block, each before its user, as late as possible.
class Scheduler {
public:
  explicit Scheduler(Block &block) : block(block) {}
  void run();

private:
  void visit(Operation *op);
  SmallVector<Operation *> getProducers(Operation *op) const;

  Block &block;
  llvm::SetVector<Operation *> order;
};

} // namespace

/// What is computed last has the largest key: initial values, so that they are
/// next to their op, before them what iterates most.
static std::pair<bool, int64_t> keyOf(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return {false, 0};
  int64_t points = 1;
  for (int64_t size : linalgOp.getStaticLoopRanges())
    points *= ShapedType::isDynamic(size) ? 1 : size;
  bool isInitial = isa<linalg::FillOp>(op) ||
                   (linalgOp.getNumReductionLoops() == 0 &&
                    llvm::all_of(op->getUses(), [](OpOperand &use) {
                      auto user = dyn_cast<linalg::LinalgOp>(use.getOwner());
                      return user && user.isDpsInit(&use);
                    }));
  return {isInitial, points};
}

/// The ops of the block whose results `op` or its regions use.
SmallVector<Operation *> Scheduler::getProducers(Operation *op) const {
  llvm::SetVector<Operation *> producers;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        if (producer->getBlock() == &block)
          producers.insert(producer);
  });
  using Keyed = std::tuple<std::pair<bool, int64_t>, unsigned, Operation *>;
  SmallVector<Keyed> sorted;
  for (auto [position, producer] : llvm::enumerate(producers))
    sorted.emplace_back(keyOf(producer), position, producer);
  llvm::sort(sorted);
  return llvm::map_to_vector(sorted,
                             [](const Keyed &k) { return std::get<2>(k); });
}

void Scheduler::visit(Operation *op) {
  if (order.contains(op))
    return;
  for (Operation *producer : getProducers(op))
    visit(producer);
  order.insert(op);
}

void Scheduler::run() {
  // What nothing in the block uses keeps its order.
  for (Operation &op : block)
    if (op.use_empty())
      visit(&op);
  for (Operation *op : order)
    if (op != block.getTerminator())
      op->moveBefore(block.getTerminator());
}

namespace {
struct OrderProducers
    : public fairway::impl::OrderProducersBase<OrderProducers> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr("fairway.kernel"))
      return;
    SmallVector<Block *> blocks;
    getOperation()->walk([&](Block *block) {
      // Bodies of linalg ops compute single elements: nothing to gain.
      bool isBody = isa<linalg::LinalgOp>(block->getParentOp());
      bool isPure =
          llvm::all_of(block->without_terminator(),
                       [](Operation &op) { return isMemoryEffectFree(&op); });
      if (!isBody && isPure)
        blocks.push_back(block);
    });
    for (Block *block : blocks)
      Scheduler(*block).run();
  }
};
} // namespace
