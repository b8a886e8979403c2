//===- FuseNests.cpp - which generics share one loop nest -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FuseNests.h"
#include "Access.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace fairway {
namespace {

/// The buffer that `value` is a part of. Views of scratch do not overlap each
/// other, so each counts as a buffer of its own.
Value bufferOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<memref::ViewOp>(op))
      break;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      break;
    value = view.getViewSource();
  }
  return value;
}

/// Whether `value` is all that is used of one of the kernel's own buffers.
bool isOwnBuffer(Value value) {
  if (auto part = value.getDefiningOp<memref::SubViewOp>();
      part && part.getSource().hasOneUse())
    value = part.getSource();
  return value.getDefiningOp<memref::ViewOp>() != nullptr;
}

/// The next op of the block (or the one before) that touches memory, if it is
/// a generic.
linalg::GenericOp neighbour(Operation *op, bool after) {
  auto step = [&](Operation *at) {
    return after ? at->getNextNode() : at->getPrevNode();
  };
  for (Operation *at = step(op); at; at = step(at)) {
    if (auto generic = dyn_cast<linalg::GenericOp>(at))
      return generic;
    if (at->hasTrait<OpTrait::IsTerminator>() || !isMemoryEffectFree(at))
      return {};
  }
  return {};
}

bool isElementwise(linalg::GenericOp op) {
  return op.getNumReductionLoops() == 0 && op.getNumDpsInits() == 1;
}

/// Memory that the body reads by itself.
bool loadsInBody(linalg::GenericOp op) {
  return !llvm::all_of(
      op.getBlock()->without_terminator(),
      [](Operation &inner) { return isMemoryEffectFree(&inner); });
}

/// The loops of an op that accesses a buffer through `map`, as those of one
/// that does so through `other`, if both visit each element once.
std::optional<SmallVector<unsigned>> matchLoops(AffineMap map, AffineMap other,
                                                ArrayRef<unsigned> otherLoops) {
  if (!map.isPermutation() || map.getNumResults() != other.getNumResults() ||
      !other.isProjectedPermutation())
    return std::nullopt;
  SmallVector<unsigned> loops(map.getNumDims());
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    loops[map.getDimPosition(i)] = otherLoops[other.getDimPosition(i)];
  return loops;
}

class Finder {
public:
  Finder(linalg::GenericOp main, const LoopPlan &plan)
      : main(main), plan(plan), out(main.getDpsInitOperand(0)->get()) {
    fusion.main = main;
  }
  Fusion run();

private:
  bool vectorizes(const Attached &attached) const;
  void findInit();
  bool addEpilogue(linalg::GenericOp op);
  bool reads(linalg::GenericOp op, Value buffer) const;
  bool isDead(Value value, Operation *writer) const;

  linalg::GenericOp main;
  const LoopPlan &plan;
  Value out;
  Fusion fusion;
  /// Results in registers: their value in memory and how main's loops visit
  /// them.
  struct Result {
    Value value;
    AffineMap map;
    SmallVector<unsigned> loops;
  };
  SmallVector<Result> results;
};

} // namespace

bool Finder::vectorizes(const Attached &attached) const {
  linalg::GenericOp op = attached.op;
  for (auto [own, loop] : llvm::enumerate(attached.loops))
    if (plan.vectorDim == loop && !plan.horizontal) {
      llvm::DenseSet<Value> varying;
      return analyzeVarying(op, own, varying);
    }
  return true;
}

void Finder::findInit() {
  linalg::GenericOp init = neighbour(main, /*after=*/false);
  if (!init || !isElementwise(init) || loadsInBody(init) ||
      init.getDpsInitOperand(0)->get() != out ||
      readsOperand(init, init.getNumDpsInputs()))
    return;
  auto loops =
      matchLoops(init.getMatchingIndexingMap(init.getDpsInitOperand(0)),
                 results[0].map, results[0].loops);
  if (!loops || reads(init, bufferOf(out)))
    return;
  Attached attached{init, *loops};
  if (vectorizes(attached))
    fusion.init = attached;
}

/// Whether `op` reads `buffer` other than through a result in a register.
bool Finder::reads(linalg::GenericOp op, Value buffer) const {
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!isa<MemRefType>(input->get().getType()) ||
        bufferOf(input->get()) != buffer)
      continue;
    bool inRegister = llvm::any_of(results, [&](const Result &result) {
      return result.value == input->get() && op != main;
    });
    if (!inRegister)
      return true;
  }
  return false;
}

bool Finder::addEpilogue(linalg::GenericOp op) {
  if (!isElementwise(op) || loadsInBody(op))
    return false;
  // The loops follow those of the first result that it reads; all other reads
  // of results must agree.
  std::optional<SmallVector<unsigned>> loops;
  for (OpOperand *input : op.getDpsInputOperands())
    for (const Result &result : results) {
      if (result.value != input->get())
        continue;
      auto match = matchLoops(op.getMatchingIndexingMap(input), result.map,
                              result.loops);
      if (!match || (loops && *loops != *match))
        return false;
      loops = match;
    }
  if (!loops)
    return false;
  OpOperand *init = op.getDpsInitOperand(0);
  Value written = bufferOf(init->get());
  // A result may be overwritten in place, element by element.
  AffineMap map = op.getMatchingIndexingMap(init);
  bool inPlace = llvm::any_of(results, [&](const Result &result) {
    return result.value == init->get() &&
           matchLoops(map, result.map, result.loops) == loops;
  });
  if (!inPlace)
    for (const Result &result : results)
      if (bufferOf(result.value) == written)
        return false;
  if (reads(main, written) || reads(op, written) ||
      (fusion.init && reads(fusion.init->op, written)))
    return false;
  for (const Attached &before : fusion.epilogue)
    if (reads(before.op, written))
      return false;
  for (const Result &result : results)
    if (reads(op, bufferOf(result.value)))
      return false;
  Attached attached{op, *loops};
  if (!vectorizes(attached))
    return false;
  fusion.epilogue.push_back(attached);
  results.push_back({init->get(), map, *loops});
  return true;
}

/// Whether nobody but the group needs what `writer` leaves in `value`.
bool Finder::isDead(Value value, Operation *writer) const {
  SmallVector<Operation *> group{main};
  for (const Attached &attached : fusion.epilogue)
    group.push_back(attached.op);
  // Overwritten later in the group.
  auto position = llvm::find(group, writer);
  for (Operation *later : ArrayRef<Operation *>(group).drop_front(
           std::distance(group.begin(), position) + 1))
    if (cast<linalg::GenericOp>(later).getDpsInitOperand(0)->get() == value)
      return true;
  if (fusion.init)
    group.push_back(fusion.init->op);
  return isOwnBuffer(value) &&
         llvm::all_of(value.getUsers(), [&](Operation *user) {
           return llvm::is_contained(group, user);
         });
}

Fusion Finder::run() {
  if (main.getNumDpsInits() != 1 || main.getNumReductionLoops() == 0)
    return fusion;
  AffineMap map = main.getMatchingIndexingMap(main.getDpsInitOperand(0));
  if (!map.isProjectedPermutation() ||
      map.getNumResults() != main.getNumParallelLoops())
    return fusion;
  SmallVector<unsigned> loops;
  for (unsigned loop = 0; loop < main.getNumLoops(); ++loop)
    loops.push_back(loop);
  results.push_back({out, map, loops});

  findInit();
  Operation *last = main;
  while (linalg::GenericOp next = neighbour(last, /*after=*/true)) {
    if (!addEpilogue(next))
      break;
    last = next;
  }
  fusion.storeMain = !isDead(out, main);
  for (const Attached &attached : fusion.epilogue) {
    linalg::GenericOp op = attached.op;
    fusion.storeEpilogue.push_back(!isDead(op.getDpsInitOperand(0)->get(), op));
  }
  return fusion;
}

Fusion fuseNeighbours(linalg::GenericOp main, const LoopPlan &plan) {
  return Finder(main, plan).run();
}

} // namespace fairway
